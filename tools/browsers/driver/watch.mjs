// Watches the shipped title in headless Chromium on the origin's watch page: play, pause, seek, keys, rungs, five
// frames against the native player's, throughput on a slow line, and screenshots.
//
//   node driver/watch.mjs PROMPTUS CHROMIUM LIBRARIES [--shots=FOLDER] [ROOT]

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MEAN, WORST, difference, frame, generate } from "./native.mjs";
import { Origin } from "./origin.mjs";
import { Shaper } from "./shaper.mjs";

/// How long a busy machine may take for one step, in milliseconds.
const PATIENCE_MS = 90_000;
/// Media times whose frames are compared, in seconds.
const COMPARED_S = [0, 2.5, 7.75, 15.5, 23.5];
/// The slow line, in bits per second, and how far the estimate may be off.
const SLOW = 60_000;
const OFF = 0.2;
/// The first visit fetches the generator over this line, in bits per second.
const FAST = 40_000_000;
const VIEWS = [
  { name: "light", width: 1280, height: 900, scheme: "light", scale: 1 },
  { name: "dark", width: 1280, height: 900, scheme: "dark", scale: 1 },
  { name: "phone", width: 390, height: 844, scheme: "dark", scale: 2, phone: true },
];

const problems = [];

function check(holds, text) {
  console.log(`${holds ? "ok  " : "FAIL"} ${text}`);
  if (!holds) problems.push(text);
}

/// A page that reports what the browser refuses or throws.
async function open(browser, url) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) complaints.push(message.text());
  });
  await page.evaluateOnNewDocument(() => {
    window.heard = [];
    window.blocked = [];
    window.longest = 0;
    addEventListener("securitypolicyviolation", (event) => window.blocked.push(event.violatedDirective));
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
    }).observe({ type: "longtask", buffered: true });
  });
  await page.goto(url, { waitUntil: "domcontentloaded" });
  await page.waitForSelector("promptus-player");
  await page.evaluate(() => {
    window.player = document.querySelector("promptus-player");
    for (const type of ["playing", "pause", "seeking", "seeked", "ended", "error", "rungchange"]) {
      window.player.addEventListener(type, () => window.heard.push(type));
    }
  });
  return { context, page, complaints };
}

async function firstFrame(page) {
  await page.waitForFunction(() => window.player.shownFrame || window.player.error);
  const error = await page.evaluate(() => window.player.error?.message);
  if (error) throw new Error(`the player stopped: ${error}`);
}

/// Seeks while paused and waits for the frame.
async function seek(page, seconds) {
  await page.evaluate((to) => { window.player.currentTime = to; }, seconds);
  await page.waitForFunction(() => !window.player.seeking);
  return page.evaluate(() => window.player.shownFrame);
}

async function plays(browser, origin) {
  const began = Date.now();
  const { context, page, complaints } = await open(browser, new URL("watch/demo", origin.url).href);
  await firstFrame(page);
  console.log(`     first frame ${Date.now() - began} ms after the request for the page`);
  await page.evaluate(() => window.player.focus());
  await page.keyboard.press("k");
  await page.waitForFunction(() => window.player.currentTime > 5);
  const stats = await page.evaluate(() => window.player.stats);
  console.log(`     ${JSON.stringify(stats)}`);
  check(stats.framesShown > 60, `frames are shown while it plays: ${stats.framesShown} in 5 s, ${stats.framesDropped} dropped`);
  await page.keyboard.press("k");
  const stopped = await page.evaluate(() => window.player.currentTime);
  await new Promise((resolve) => setTimeout(resolve, 700));
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
  console.log(`     longest block of the page's thread: ${longest} ms`);
  await context.close();
}

/// Compares frames of the top rung with those of `promptus play`.
async function compares(browser, origin, program, folder) {
  const { context, page } = await open(browser, new URL("watch/demo?rung=3", origin.url).href);
  await firstFrame(page);
  const frames = generate(program, new URL("demo/master.m3u8", origin.url).href, 3, 0, join(folder, "frames"));
  for (const seconds of COMPARED_S) {
    const shown = await seek(page, seconds);
    const number = Math.round(shown.time_s * 24);
    check(Math.abs(shown.time_s - seconds) < 1 / 24 + 1e-3, `a seek to ${seconds} s shows the frame of ${shown.time_s.toFixed(3)} s`);
    const pixels = await page.evaluate(() => {
      const { canvas } = window.player;
      return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
    });
    const { worst, mean } = difference(frame(frames, number), pixels);
    check(worst <= WORST && mean <= MEAN, `frame ${number} differs from the native player's by ${worst} at most, ${mean.toExponential(1)} on average`);
  }
  await context.close();
}

/// The estimate on a slow line, which begins once the generator is loaded.
async function measures(browser, origin) {
  const shaper = new Shaper(origin.url, FAST);
  const base = await shaper.open();
  const { context, page } = await open(browser, new URL("watch/demo", base).href);
  await firstFrame(page);
  shaper.rate = SLOW;
  await page.evaluate(() => {
    window.player.currentTime = 12;
    return window.player.play();
  });
  await page.waitForFunction(() => window.player.ended, { timeout: PATIENCE_MS });
  const { throughputKbps } = await page.evaluate(() => window.player.stats);
  const share = (throughputKbps * 1000) / SLOW;
  check(Math.abs(share - 1) <= OFF, `a line of ${SLOW / 1000} kbit/s is measured as ${throughputKbps.toFixed(1)}`);
  await context.close();
  shaper.close();
}

async function shoots(browser, origin, folder) {
  mkdirSync(folder, { recursive: true });
  for (const { name, width, height, scheme, scale, phone } of VIEWS) {
    const { context, page } = await open(browser, new URL("watch/demo", origin.url).href);
    await page.setViewport({ width, height, deviceScaleFactor: scale, isMobile: Boolean(phone), hasTouch: Boolean(phone) });
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await firstFrame(page);
    await page.evaluate(() => window.player.play());
    await page.waitForFunction(() => window.player.currentTime > 4);
    if (name === "dark") {
      await page.evaluate(() => window.player.focus());
      await page.keyboard.press("i");
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await page.screenshot({ path: join(folder, `watch-${name}.png`), fullPage: Boolean(phone) });
    await context.close();
  }
  console.log(`     screenshots are in ${folder}`);
}

async function main([program, chromium, libraries, ...rest]) {
  const library = pathToFileURL(join(libraries, "puppeteer-core/lib/esm/puppeteer/puppeteer-core.js"));
  const { default: puppeteer } = await import(library);
  const folder = mkdtempSync(join(tmpdir(), "promptus-watch-"));
  const shots = rest.find((word) => word.startsWith("--shots="))?.slice("--shots=".length);
  const origin = await Origin.start(program, rest.find((word) => !word.startsWith("--")), folder);
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args, timeout: PATIENCE_MS });
  try {
    console.log(`     ${await browser.version()}`);
    await plays(browser, origin);
    await compares(browser, origin, program, folder);
    await measures(browser, origin);
    if (shots) await shoots(browser, origin, shots);
  } finally {
    await browser.close();
    await origin.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  for (const problem of problems) console.log(`failed: ${problem}`);
  return problems.length === 0;
}

const good = await main(process.argv.slice(2)).catch((error) => console.error(error));
process.exitCode = good ? 0 : 1;
