// The line breaks: in mid-play, in the middle of an answer, or without a word.

import { check, note, sleep } from "../checks.mjs";
import { firstFrame, notice, open, playTo, start } from "../page.mjs";

/// Few seconds ahead, so that a break is felt.
const SHORT = { buffer: "4" };
const AWAY_MS = 3000;

/// A page that plays `demo` with a short buffer from segment files, at 3 s.
async function playing({ browser, place }, attributes = SHORT) {
  const opened = await open(browser, place("watch/demo"));
  await start(opened.page, place("demo/segments/master.m3u8"), attributes);
  await playTo(opened.page, 3);
  return opened;
}

/// Waits until the buffer is empty, comes back later, and judges how it goes on.
async function breaks(page, what, { down, up }) {
  const before = await page.evaluate(() => window.heard.filter((type) => type === "loadstart").length);
  await down();
  await page.waitForFunction(() => window.player.stats.waiting);
  await sleep(AWAY_MS);
  const [text, at] = [await notice(page), await page.evaluate(() => window.player.currentTime)];
  await sleep(300);
  const still = await page.evaluate(() => window.player.currentTime);
  check(/No connection to 127\.0\.0\.1/.test(text), `${what}: the player says "${text}"`);
  check(Math.abs(still - at) < 0.05, `${what}: it waits at ${at.toFixed(2)} s`);
  const began = Date.now();
  await up();
  const error = await playTo(page, at + 3);
  check(error === null, `${what}: it plays on ${((Date.now() - began) / 1000 - 3).toFixed(1)} s after the line is back ${error ?? ""}`);
  const [loads, said] = [await page.evaluate(() => window.heard.filter((type) => type === "loadstart").length), await notice(page)];
  check(loads === before && !said.includes("No connection"), `${what}: without a reload, and the notice is gone ${said}`);
}

export async function offlineInMidPlay(bench) {
  const { context, page } = await playing(bench);
  const { proxy } = bench;
  await breaks(page, "the line is down", { down: () => proxy.drop(), up: () => proxy.up() });
  await context.close();
}

export async function offlineInTheBrowser(bench) {
  const { context, page } = await playing(bench);
  const client = await page.createCDPSession();
  const line = (offline) => client.send("Network.emulateNetworkConditions", { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await client.send("Network.enable");
  await line(true);
  const felt = await page.waitForFunction(() => window.player.stats.waiting, { timeout: 10_000 }).then(() => true, () => false);
  if (felt) await breaks(page, "the browser is offline", { down: () => {}, up: () => line(false) });
  else note("the browser's own offline mode does not reach workers");
  await context.close();
}

export async function brokenAnswers(bench) {
  const { proxy } = bench;
  const broken = [];
  proxy.fault = ({ path }) => {
    if (!/\/[357]\.m4s$/.test(path) || broken.includes(path)) return null;
    broken.push(path);
    return { cut: 700 };
  };
  const { context, page } = await playing(bench);
  const error = await playTo(page, 16);
  const { framesShown } = await page.evaluate(() => window.player.stats);
  check(error === null && broken.length >= 3, `${broken.length} answers break off after 700 bytes: it plays on, ${framesShown} frames by 16 s ${error ?? ""}`);
  await context.close();
}

export async function aSilentServer(bench) {
  const { proxy } = bench;
  let silent = null;
  proxy.fault = ({ path, at }) => {
    if (silent || !/\/4\.m4s$/.test(path)) return null;
    silent = at;
    return { silent: true };
  };
  const { context, page } = await playing(bench);
  const error = await playTo(page, 10);
  const again = proxy.requests.filter(({ path }) => /\/4\.m4s$/.test(path)).at(1);
  check(error === null, `a server that never answers: it asks again after ${((again?.at - silent) / 1000).toFixed(1)} s and plays on ${error ?? ""}`);
  await context.close();
}

export async function brokenWeights({ browser, proxy, place }) {
  const asked = () => proxy.requests.filter(({ path }) => path.includes("/weights/"));
  proxy.fault = ({ path }) => (path.includes("/weights/") && asked().length <= 2 ? { cut: 1_000_000 } : null);
  const { context, page } = await open(browser, place("watch/demo"));
  await firstFrame(page);
  const ranges = asked().map(({ range }) => range ?? "all");
  check(ranges.length === 3 && ranges[2] === "bytes=2000000-", `weights that break off go on where they were: ${ranges.join(", ")}`);
  await context.close();
}
