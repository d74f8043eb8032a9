// Watches the shipped title in a headless browser on the origin's watch page: play, pause, seek, keys, rungs, five
// frames against the native player's, throughput on a slow line, accessibility, and screenshots. In Firefox less: to
// play, to seek, and one frame.
//
//   node driver/watch.mjs PROMPTUS BROWSER LIBRARIES [--browser=firefox] [--module=MODULE.wasm.br] [--shots=FOLDER] [ROOT]

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { findings } from "./axe.mjs";
import { check, note, sleep, sum } from "./checks.mjs";
import { MEAN, WORST, difference, frame, generate } from "./native.mjs";
import { Origin } from "./origin.mjs";
import { PATIENCE_MS, firstFrame, launch, open, picture, seek, start } from "./page.mjs";
import { Proxy } from "./proxy.mjs";
import { Shaper } from "./shaper.mjs";

/// Media times whose frames are compared, in seconds.
const COMPARED_S = [0, 2.5, 7.75, 15.5, 23.5];
/// The slow line, in bits per second, and how far the estimate may be off.
const SLOW = 60_000;
const OFF = 0.2;
/// The first visit fetches the generator over this line, in bits per second.
const FAST = 40_000_000;
const VIEWS = [
  { name: "light", query: "", width: 1280, height: 900, scheme: "light", scale: 1 },
  { name: "dark", query: "", width: 1280, height: 900, scheme: "dark", scale: 1 },
  { name: "compare", query: "?second=original", width: 1280, height: 900, scheme: "light", scale: 1 },
  { name: "phone", query: "", width: 390, height: 844, scheme: "dark", scale: 2, phone: true },
];

async function plays(browser, origin) {
  const began = Date.now();
  const { context, page, complaints } = await open(browser, new URL("watch/demo", origin.url).href);
  await firstFrame(page);
  note(`first frame ${Date.now() - began} ms after the request for the page`);
  await page.evaluate(() => window.player.focus());
  await page.keyboard.press("k");
  await page.waitForFunction(() => window.player.currentTime > 5);
  const stats = await page.evaluate(() => window.player.stats);
  note(JSON.stringify(stats));
  check(stats.framesShown > 60, `frames are shown while it plays: ${stats.framesShown} in 5 s, ${stats.framesDropped} dropped`);
  const charts = await page.evaluate(() => document.querySelectorAll(".chart canvas").length);
  check(charts === 3, `the figures are drawn in three charts: ${charts}`);
  await page.keyboard.press("k");
  const stopped = await page.evaluate(() => window.player.currentTime);
  await sleep(700);
  const later = await page.evaluate(() => window.player.currentTime);
  check(Math.abs(later - stopped) < 0.3, `a pause holds the position: ${stopped.toFixed(2)} s, then ${later.toFixed(2)} s`);
  await page.keyboard.press("ArrowRight");
  await page.waitForFunction(() => !window.player.seeking);
  const after = await page.evaluate(() => window.player.currentTime);
  check(Math.abs(after - later - 5) < 0.3, `the right arrow seeks by 5 s: ${after.toFixed(2)} s`);
  await page.keyboard.press("[");
  const rung = await page.evaluate(() => window.player.rung);
  check(rung !== null, `[ fixes a lower rung: ${rung}`);
  await page.evaluate(() => { window.player.rung = 0; });
  await seek(page, 20.5);
  await page.keyboard.press("k");
  await page.waitForFunction(() => window.player.shownFrame.rung === 0);
  check(true, "the fixed rung is shown");
  await page.waitForFunction(() => window.player.ended);
  const frame = await page.evaluate(() => window.player.shownFrame);
  check(frame.time_s > 23.9, `the last frame is shown at the end: ${frame.time_s.toFixed(3)} s`);
  const [heard, blocked, longest] = await page.evaluate(() => [window.heard, window.blocked, window.longest]);
  for (const type of ["playing", "pause", "seeking", "seeked", "ended", "rungchange"]) {
    check(heard.includes(type), `the event ${type} comes`);
  }
  check(blocked.length === 0, `the content security policy blocks nothing ${blocked}`);
  check(complaints.length === 0, `the console is silent ${complaints.join("; ")}`);
  note(`longest block of the page's thread: ${longest} ms`);
  await context.close();
}

/// Compares frames of the top rung with those of `promptus play`.
async function compares(browser, origin, { program, manifest, folder }, times) {
  const { context, page } = await open(browser, new URL("watch/demo?rung=3", origin.url).href);
  await firstFrame(page);
  const frames = generate(program, manifest, 3, 0, join(folder, "frames"));
  for (const seconds of times) {
    const shown = await seek(page, seconds);
    const number = Math.round(shown.time_s * 24);
    check(Math.abs(shown.time_s - seconds) < 1 / 24 + 1e-3, `a seek to ${seconds} s shows the frame of ${shown.time_s.toFixed(3)} s`);
    const { worst, mean } = difference(frame(frames, number), await picture(page));
    check(worst <= WORST && mean <= MEAN, `frame ${number} differs from the native player's by ${worst} at most, ${mean.toExponential(1)} on average`);
  }
  await context.close();
}

/// What works in every browser: the first picture, five seconds of play, a seek.
async function playsShort(browser, origin) {
  const began = Date.now();
  const { context, page, complaints } = await open(browser, new URL("watch/demo", origin.url).href);
  await firstFrame(page);
  note(`first frame ${Date.now() - began} ms after the request for the page`);
  await page.evaluate(() => window.player.play());
  await page.waitForFunction(() => window.player.currentTime > 5);
  const stats = await page.evaluate(() => window.player.stats);
  note(JSON.stringify(stats));
  check(stats.framesShown > 60, `frames are shown while it plays: ${stats.framesShown} in 5 s, ${stats.framesDropped} dropped`);
  await page.evaluate(() => window.player.pause());
  const frame = await seek(page, 15.5);
  check(Math.abs(frame.time_s - 15.5) < 1 / 24 + 1e-3, `a seek to 15.5 s shows the frame of ${frame.time_s.toFixed(3)} s`);
  check(complaints.length === 0, `the console is silent ${complaints.join("; ")}`);
  await context.close();
}

/// The watch page and the catalogue, light and dark, by the rules of axe.
async function accessible(browser, origin, libraries) {
  for (const scheme of ["light", "dark"]) {
    for (const path of ["", "watch/demo"]) {
      const found = await findings(browser, new URL(path, origin.url).href, scheme, libraries);
      check(found.length === 0, `axe has no serious finding on /${path}, ${scheme} ${found.join("; ")}`);
    }
  }
}

/// The estimate on a slow line, which begins once the generator is loaded.
async function measures(browser, origin) {
  const shaper = new Shaper(origin.url, FAST);
  const base = await shaper.open();
  const { context, page } = await open(browser, new URL("watch/demo?rung=0", base).href);
  await firstFrame(page);
  shaper.rate = SLOW;
  // A session that knows no other line, on a rung of which nothing is in the browser's cache.
  await page.evaluate(() => { window.player.rung = 3; });
  await start(page, await page.evaluate(() => window.player.src), { buffer: "6" });
  await page.waitForFunction(() => window.player.ended, { timeout: PATIENCE_MS });
  const { throughputKbps } = await page.evaluate(() => window.player.stats);
  const share = (throughputKbps * 1000) / SLOW;
  check(Math.abs(share - 1) <= OFF, `a line of ${SLOW / 1000} kbit/s is measured as ${throughputKbps.toFixed(1)}`);
  await context.close();
  shaper.close();
}

async function shoots(browser, origin, folder) {
  mkdirSync(folder, { recursive: true });
  for (const { name, query, width, height, scheme, scale, phone } of VIEWS) {
    const viewport = { width, height, deviceScaleFactor: scale, isMobile: Boolean(phone), hasTouch: Boolean(phone) };
    const { context, page } = await open(browser, new URL(`watch/demo${query}`, origin.url).href, { viewport });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await firstFrame(page);
    await page.evaluate(() => window.player.play());
    await page.waitForFunction(() => window.player.currentTime > 4);
    if (name === "dark") {
      await page.evaluate(() => window.player.focus());
      await page.keyboard.press("i");
      await sleep(500);
    }
    await page.screenshot({ path: join(folder, `watch-${name}.png`), fullPage: Boolean(phone) });
    await context.close();
  }
  note(`screenshots are in ${folder}`);
}

async function inChromium(browser, { origin, libraries, shots, ...native }) {
  await plays(browser, origin);
  await compares(browser, origin, native, COMPARED_S);
  await measures(browser, origin);
  await accessible(browser, origin, libraries);
  if (shots) await shoots(browser, origin, shots);
}

async function inFirefox(browser, { origin, ...native }) {
  await playsShort(browser, origin);
  await compares(browser, origin, native, COMPARED_S.slice(2, 3));
}

/// A server before the origin that has `module`, a file in brotli, in place of the module inside the program.
async function replaced(origin, module) {
  const bytes = brotliDecompressSync(readFileSync(module));
  const proxy = new Proxy(origin.url);
  proxy.fault = ({ path }) => (path.endsWith("/promptus.wasm") ? { change: () => bytes } : null);
  return { url: await proxy.listen(), close: () => proxy.close() };
}

async function main([program, executable, libraries, ...rest]) {
  const option = (name) => rest.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const folder = mkdtempSync(join(tmpdir(), "promptus-watch-"));
  const origin = await Origin.start(program, rest.find((word) => !word.startsWith("--")), folder);
  const browser = await launch(libraries, executable, option("browser"));
  const proxy = option("module") ? await replaced(origin, option("module")) : null;
  // The native player waits for no proxy of this process, which stands still meanwhile.
  const manifest = new URL("demo/master.m3u8", origin.url).href;
  const watched = { origin: proxy ?? origin, manifest, program, libraries, folder, shots: option("shots") };
  try {
    note(await browser.version());
    await (option("browser") === "firefox" ? inFirefox : inChromium)(browser, watched);
  } finally {
    await browser.close();
    proxy?.close();
    await origin.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return sum();
}

const good = await main(process.argv.slice(2)).catch((error) => console.error(error));
process.exitCode = good ? 0 : 1;
