// Servers that refuse: 404 on one rung and on all, 503 with a pause, and refused parts of the player.

import { check, note } from "../checks.mjs";
import { firstFrame, notice, open, playTo, start } from "../page.mjs";

const SEGMENT = /\/mini-r(\d+)\/4\.m4s$/;
const SRC = "demo/segments/master.m3u8";

async function plays({ browser, place }, attributes = {}) {
  const opened = await open(browser, place("watch/demo"));
  await opened.page.evaluate(() => {
    window.rungs = {};
    window.player.addEventListener("framechange", () => {
      const { segment, rung } = window.player.shownFrame;
      window.rungs[segment] = rung;
    });
  });
  await start(opened.page, place(SRC), attributes);
  return opened;
}

export async function absentOnOneRung(bench) {
  bench.proxy.fault = ({ path }) => (SEGMENT.exec(path)?.[1] === "16" ? { status: 404 } : null);
  const { context, page } = await plays(bench);
  await page.evaluate(() => { window.player.rung = 3; });
  const error = await playTo(page, 11);
  const rungs = await page.evaluate(() => window.rungs);
  check(error === null && rungs[3] !== 3 && rungs[4] === 3, `404 on one rung: another shows the segment, ${JSON.stringify(rungs)} ${error ?? ""}`);
  await context.close();
}

export async function absentOnAllRungs(bench) {
  bench.proxy.fault = ({ path }) => (SEGMENT.test(path) ? { status: 404 } : null);
  const { context, page } = await plays(bench, { buffer: "4" });
  const error = await playTo(page, 11);
  check(/segment 3 .*4\.m4s/.test(error ?? ""), `404 on all rungs: "${error}"`);
  check(await notice(page) === error, "the error is written over the picture");
  const heard = await page.evaluate(() => window.heard.filter((type) => type === "error").length);
  check(heard === 1, `one event error: ${heard}`);
  await context.close();
}

export async function busyWithAPause(bench) {
  const refused = [];
  bench.proxy.fault = ({ path, at }) => {
    if (!SEGMENT.test(path) || refused.length >= 2) return null;
    refused.push(at);
    return { status: 503, headers: { "retry-after": "3" } };
  };
  const { context, page } = await plays(bench, { buffer: "4" });
  await page.waitForFunction(() => window.player.stats.waiting && window.player.currentTime > 4);
  const said = await notice(page);
  const error = await playTo(page, 11);
  const asked = bench.proxy.requests.filter(({ path }) => SEGMENT.test(path)).map(({ at }) => at);
  const pauses = asked.slice(1).map((at, number) => (at - asked[number]) / 1000);
  check(error === null && pauses.every((pause) => pause > 2.9), `503 with Retry-After 3: it asks after ${pauses.join(" and ")} s, says "${said}", plays on ${error ?? ""}`);
  await context.close();
}

export async function busyWeights({ browser, proxy, place }) {
  let refused = 0;
  proxy.fault = ({ path }) => {
    if (!path.includes("/weights/") || refused >= 2) return null;
    refused += 1;
    return { status: 503, headers: { "retry-after": "1" } };
  };
  const { context, page } = await open(browser, place("watch/demo"));
  await firstFrame(page);
  check(refused === 2, `weights that come at the third attempt: first frame after ${refused} refusals`);
  await context.close();
}

/// Parts without which nothing plays: words that name them.
export async function absentParts({ browser, proxy, place }) {
  const parts = ["/demo/master.m3u8", "mini-r4.m3u8", "/weights/", "promptus.wasm", "session.js", "generator.js"];
  for (const part of parts) {
    proxy.reset();
    proxy.fault = ({ path }) => (path.includes(part) ? { status: 404 } : null);
    const { context, page } = await open(browser, place("watch/demo"));
    await page.waitForFunction(() => window.player.error || window.player.shownFrame);
    const error = await page.evaluate(() => window.player.error?.message ?? null);
    if (part === "mini-r4.m3u8" && error === null) note("without the lowest rung's playlist the title plays");
    else check(error?.includes(part.replace(/^\//, "")), `404 of ${part}: "${error}"`);
    await context.close();
  }
}
