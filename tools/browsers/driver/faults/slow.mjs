// A machine that is too slow: frames are left out, and the player says so; it does not stall for ever.

import { check, note, sleep } from "../checks.mjs";
import { firstFrame, notice, open } from "../page.mjs";
import { renderers, slow } from "../process.mjs";

/// Frames a second that must be shown, times the factor: eight times slower a keyframe alone takes about a second.
const SHOWN = 6;
/// How long it is watched, in seconds.
const WATCHED_S = 14;
/// Share of the time at which the playhead must move.
const MOVES = 0.75;
/// The longest time without another picture, in seconds: one keyframe takes about one, eight times slower.
const STILL_S = 3;

/// Whether the protocol's own throttling reaches workers.
export async function throttling({ browser, place }) {
  const { context, page } = await open(browser, place("watch/demo"));
  await firstFrame(page);
  await page.evaluate(() => window.player.play());
  await sleep(3000);
  const plain = await page.evaluate(() => window.player.stats.generateMsPerFrame);
  await page.emulateCPUThrottling(4);
  await sleep(4000);
  const throttled = await page.evaluate(() => window.player.stats.generateMsPerFrame);
  note(`the protocol's throttling by 4: ${plain.toFixed(1)} ms a frame before, ${throttled.toFixed(1)} after`);
  await context.close();
}

/// Notes from now on in `window.still` how long a picture stayed at most, in milliseconds.
function watchPictures() {
  window.still = 0;
  let since = performance.now();
  window.player.addEventListener("framechange", () => {
    const now = performance.now();
    window.still = Math.max(window.still, now - since);
    since = now;
  });
}

async function slowed({ browser, place }, factor) {
  const before = new Set(await renderers(browser));
  const { context, page } = await open(browser, place("watch/demo"));
  await firstFrame(page);
  const own = (await renderers(browser)).filter((pid) => !before.has(pid));
  const ends = own.map((pid) => slow(pid, factor));
  try {
    const texts = new Set();
    await page.evaluate(() => window.player.play());
    await sleep(2000);
    const begin = await page.evaluate(() => ({ at: window.player.currentTime, ...window.player.stats }));
    await page.evaluate(watchPictures);
    const until = Date.now() + WATCHED_S * 1000;
    while (Date.now() < until) {
      texts.add(await notice(page));
      await sleep(500);
    }
    const end = await page.evaluate(() => ({ at: window.player.currentTime, error: window.player.error, stalls: window.heard.filter((type) => type === "waiting").length, still: window.still / 1000, ...window.player.stats }));
    const [moved, shown] = [end.at - begin.at, end.framesShown - begin.framesShown];
    const words = [...texts].find((text) => text.includes("left out"));
    check(!end.error && moved > MOVES * WATCHED_S, `a processor ${factor} times slower: ${moved.toFixed(1)} s of the title in ${WATCHED_S} s, ${end.stalls} stalls ${end.error?.message ?? ""}`);
    check(shown / WATCHED_S > SHOWN / factor, `${(shown / WATCHED_S).toFixed(1)} frames/s at ${end.generateMsPerFrame.toFixed(0)} ms a frame, ${end.framesDropped} of ${end.framesDropped + end.framesShown} left out`);
    check(end.still < STILL_S, `a picture stays ${end.still.toFixed(1)} s at most`);
    check(words !== undefined, `it says "${words}"`);
  } finally {
    for (const end of ends) end();
  }
  await context.close();
}

export const fourTimes = (bench) => slowed(bench, 4);
export const eightTimes = (bench) => slowed(bench, 8);
