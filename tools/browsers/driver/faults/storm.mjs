// Two hundred seeks in ten seconds.

import { check, note, sleep } from "../checks.mjs";
import { firstFrame, open, workers } from "../page.mjs";
import { random } from "../random.mjs";
import { memory, told } from "../memory.mjs";

const SEEKS = 200;
const EVERY_MS = 50;
const LAST_S = 13.4;
const SETTLE_MS = 4000;
/// Growth that is no leak, in bytes.
const SLACK = 5e6;

export async function seeks({ browser, proxy, place }) {
  const { context, page, complaints } = await open(browser, place("watch/demo"));
  await firstFrame(page);
  await storm(page, 1);
  await settle(page);
  const before = await memory(page);
  proxy.reset();
  const began = Date.now();
  await storm(page, 2);
  note(`${SEEKS} seeks in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  const { frame, took } = await settle(page);
  const right = frame.time_s <= LAST_S + 0.005 && frame.time_s > LAST_S - 1 / 24;
  check(right, `after ${SEEKS} seeks the frame of ${frame.time_s.toFixed(3)} s is shown for ${LAST_S} s, after ${took} ms`);
  const after = await memory(page);
  note(`before: ${told(before)}; after: ${told(after)}`);
  check(after.total - before.total < SLACK, `memory grows by ${((after.total - before.total) / 1e6).toFixed(1)} MB in a storm`);
  check(proxy.mostOpen <= 4 && proxy.open === 0, `at most ${proxy.mostOpen} requests at once of ${proxy.requests.length}, ${proxy.open} left`);
  check(workers(page).length <= 3 && complaints.length === 0, `${workers(page).length} workers, nothing is thrown ${complaints.join("; ")}`);
  await context.close();
}

/// The last seek, and time until frames ahead are full again: the frame, and how long it took.
async function settle(page) {
  const began = Date.now();
  await page.evaluate((to) => { window.player.currentTime = to; }, LAST_S);
  await page.waitForFunction(() => !window.player.seeking);
  const took = Date.now() - began;
  await sleep(SETTLE_MS);
  return { frame: await page.evaluate(() => window.player.shownFrame), took };
}

async function storm(page, seed) {
  const next = random(seed);
  for (let number = 0; number < SEEKS; number += 1) {
    await page.evaluate((to) => { window.player.currentTime = to; }, next() * 24);
    await sleep(EVERY_MS);
  }
}
