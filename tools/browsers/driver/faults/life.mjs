// What pages do with the element: several at once, another title, away and back, loaded twice, hidden.

import { check, note, sleep } from "../checks.mjs";
import { firstFrame, open, playTo, start, workers } from "../page.mjs";
import { processorTime, renderers } from "../process.mjs";
import { WIDE } from "./titles.mjs";

const DEMO = "demo/master.m3u8";
/// How long a worker may take to end, in milliseconds.
const END_MS = 1000;

async function playing({ browser, place }) {
  const opened = await open(browser, place("watch/demo"));
  await firstFrame(opened.page);
  await opened.page.evaluate(() => window.player.play());
  await playTo(opened.page, 2);
  return opened;
}

/// Workers of `count` players, each with one session.
async function counts(page, what, count) {
  await sleep(END_MS);
  const [sessions, generators] = ["session.js", "generator.js"].map((name) => workers(page, name).length);
  const right = sessions === count && (count === 0 ? generators === 0 : generators >= count && generators <= 2 * count);
  check(right, `${what}: ${sessions} session workers and ${generators} generators`);
}

export async function anotherTitle({ browser, place, ...bench }) {
  const { context, page } = await playing({ browser, place, ...bench });
  await page.evaluate(() => {
    window.sizes = [];
    window.player.addEventListener("loadstart", () => { window.sizes = []; });
    window.player.addEventListener("framechange", () => window.sizes.push(window.player.canvas.width));
  });
  await start(page, place("wide/master.m3u8"));
  await page.waitForFunction(() => window.sizes.length > 5);
  const sizes = await page.evaluate(() => [...new Set(window.sizes)]);
  check(sizes.length === 1 && sizes[0] === WIDE.width, `another src in mid-play: frames of ${sizes.join(" and ")} pixels a row`);
  await counts(page, "another src in mid-play", 1);
  for (let turn = 0; turn < 6; turn += 1) await start(page, place(turn % 2 ? "wide/master.m3u8" : DEMO));
  await page.waitForFunction(() => window.player.shownFrame);
  await counts(page, "six times another src at once", 1);
  await context.close();
}

export async function awayAndBack(bench) {
  const { context, page, complaints } = await playing(bench);
  await page.evaluate(() => {
    window.place = window.player.parentElement;
    window.player.remove();
  });
  await counts(page, "removed", 0);
  await page.evaluate(() => window.place.append(window.player));
  const error = await playTo(page, 2);
  check(error === null, `put back: it plays ${error ?? ""}`);
  await counts(page, "put back", 1);
  await page.evaluate(() => {
    for (let turn = 0; turn < 10; turn += 1) {
      window.player.remove();
      window.place.append(window.player);
    }
  });
  await page.waitForFunction(() => window.player.shownFrame);
  await counts(page, "ten times away and back at once", 1);
  check(complaints.length === 0, `nothing is thrown ${complaints.join("; ")}`);
  await context.close();
}

export async function loadedTwice(bench) {
  const { context, page } = await playing(bench);
  await page.evaluate(() => {
    window.player.load();
    window.player.load();
    return window.player.play();
  });
  const error = await playTo(page, 2);
  check(error === null, `load() twice: it plays ${error ?? ""}`);
  await counts(page, "load() twice", 1);
  await context.close();
}

export async function twoAtOnce(bench) {
  const { context, page } = await playing(bench);
  await page.evaluate(() => {
    window.second = document.createElement("promptus-player");
    window.second.src = window.player.src;
    document.querySelector("main").append(window.second);
    return window.second.play();
  });
  await page.waitForFunction(() => window.second.currentTime > 5 || window.second.error);
  const both = await page.evaluate(() => [window.player, window.second].map(({ error, stats, currentTime }) => ({ error, currentTime, ...stats })));
  check(both.every(({ error, framesShown }) => !error && framesShown > 50), `two players: ${both.map(({ framesShown, framesDropped, currentTime }) => `${framesShown} frames, ${framesDropped} dropped by ${currentTime.toFixed(1)} s`).join("; ")}`);
  await counts(page, "two players", 2);
  await context.close();
}

/// Another tab in front, or what a page sees of that.
async function hide(context, page) {
  const other = await context.newPage();
  await other.bringToFront();
  await sleep(500);
  if (await page.evaluate(() => document.hidden)) {
    return async () => {
      await page.bringToFront();
      await other.close();
    };
  }
  note("another tab in front hides nothing here: visibilitychange is emulated");
  await page.bringToFront();
  await other.close();
  const set = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await set(true);
  return () => set(false);
}

export async function hidden({ proxy, browser, ...bench }) {
  const before = new Set(await renderers(browser));
  const { context, page } = await playing({ proxy, browser, ...bench });
  const own = (await renderers(browser)).filter((pid) => !before.has(pid));
  const time = () => own.reduce((sum, pid) => sum + processorTime(pid), 0);
  const show = await hide(context, page);
  await sleep(3000);
  const then = { time: time(), requests: proxy.requests.length, at: await page.evaluate(() => window.player.currentTime) };
  await sleep(3000);
  const spent = time() - then.time;
  const state = await page.evaluate(() => ({ at: window.player.currentTime, ...window.player.stats }));
  check(state.at === then.at, `a hidden tab stands still at ${state.at.toFixed(2)} s`);
  check(spent < 0.5, `a hidden tab takes ${spent.toFixed(2)} s of processor time in 3 s, with ${state.framesAhead} frames ahead`);
  check(proxy.requests.length === then.requests, `a hidden tab sends ${proxy.requests.length - then.requests} requests in 3 s`);
  await show();
  const error = await playTo(page, then.at + 2, 15_000);
  check(error === null, `it goes on when it is seen again ${error ?? ""}`);
  await context.close();
}
