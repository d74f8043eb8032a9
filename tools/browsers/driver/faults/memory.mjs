// The title in a loop, for minutes: what the page keeps must not grow.

import { check, note, sleep } from "../checks.mjs";
import { memory as keeps, told } from "../memory.mjs";
import { firstFrame, open } from "../page.mjs";
import { renderers, resident } from "../process.mjs";

/// Growth that is no leak, in bytes; resident memory swings with the browser's own caches.
const SLACK = 5e6;
const SLACK_RESIDENT = 25e6;
/// Media time before the first look, in seconds: more than one turn.
const SETTLED_S = 30;

export async function loops({ browser, place, minutes }) {
  const before = new Set(await renderers(browser));
  const { context, page, complaints } = await open(browser, place("watch/demo"));
  await firstFrame(page);
  const own = (await renderers(browser)).filter((pid) => !before.has(pid));
  const look = async () => ({ ...await keeps(page), resident: own.reduce((sum, pid) => sum + resident(pid), 0) });
  await page.evaluate(() => {
    window.player.loop = true;
    return window.player.play();
  });
  await sleep(SETTLED_S * 1000);
  const first = await look();
  note(`after ${SETTLED_S} s: ${told(first)}, ${first.nodes} nodes, ${(first.resident / 1e6).toFixed(0)} MB resident`);
  await sleep(minutes * 60_000);
  const last = await look();
  note(`${minutes} min later: ${told(last)}, ${last.nodes} nodes, ${(last.resident / 1e6).toFixed(0)} MB resident`);
  const [grown, more] = [last.total - first.total, last.resident - first.resident];
  check(grown < SLACK, `a loop of ${minutes} min grows by ${(grown / 1e6).toFixed(1)} MB`);
  check(more < SLACK_RESIDENT, `its process by ${(more / 1e6).toFixed(1)} MB`);
  check(last.nodes - first.nodes < 100, `its page by ${last.nodes - first.nodes} nodes`);
  const state = await page.evaluate(() => ({ ...window.player.stats, error: window.player.error, paused: window.player.paused }));
  check(!state.error && !state.paused, `it still plays: ${state.framesShown} frames shown, ${state.framesDropped} dropped`);
  check(complaints.length === 0, `nothing is thrown ${complaints.join("; ")}`);
  await context.close();
}
