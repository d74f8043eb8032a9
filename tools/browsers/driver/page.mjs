// A browser, and pages of it with our player.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

/// How long a busy machine may take for one step, in milliseconds.
export const PATIENCE_MS = 90_000;
const EVENTS = ["loadstart", "playing", "waiting", "pause", "seeking", "seeked", "ended", "error", "rungchange"];

export async function launch(libraries, executablePath, browser = "chrome") {
  const library = pathToFileURL(join(libraries, "puppeteer-core/lib/esm/puppeteer/puppeteer-core.js"));
  const { default: puppeteer } = await import(library);
  const args = browser === "chrome" ? ["--no-sandbox", "--disable-dev-shm-usage"] : [];
  return puppeteer.launch({ browser, executablePath, headless: true, args, timeout: PATIENCE_MS, protocolTimeout: 2 * PATIENCE_MS });
}

/// A page that notes what the browser refuses or throws, with `window.player`, whose events are in `window.heard`.
/// `before` runs in the page ahead of its scripts; a change of `viewport` later on would load the page again.
export async function open(browser, url, { before, viewport } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  if (viewport) await page.setViewport(viewport);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) complaints.push(message.text());
  });
  if (before) await page.evaluateOnNewDocument(before);
  await page.evaluateOnNewDocument(watchPage);
  await page.goto(url, { waitUntil: "domcontentloaded" });
  await page.waitForSelector("promptus-player");
  await page.evaluate((types) => {
    window.player = document.querySelector("promptus-player");
    for (const type of types) window.player.addEventListener(type, () => window.heard.push(type));
  }, EVENTS);
  return { context, page, complaints };
}

function watchPage() {
  window.heard = [];
  window.blocked = [];
  window.longest = 0;
  addEventListener("securitypolicyviolation", (event) => window.blocked.push(event.violatedDirective));
  if (!PerformanceObserver.supportedEntryTypes.includes("longtask")) return;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration);
  }).observe({ type: "longtask", buffered: true });
}

export async function firstFrame(page) {
  await page.waitForFunction(() => window.player.shownFrame || window.player.error);
  const error = await page.evaluate(() => window.player.error?.message);
  if (error) throw new Error(`the player stopped: ${error}`);
}

/// Seeks while paused and waits for the frame.
export async function seek(page, seconds) {
  await page.evaluate((to) => { window.player.currentTime = to; }, seconds);
  await page.waitForFunction(() => !window.player.seeking);
  return page.evaluate(() => window.player.shownFrame);
}

/// The picture on the player's canvas, RGBA.
export function picture(page) {
  return page.evaluate(() => {
    const { canvas } = window.player;
    return Array.from(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
  });
}

/// Waits until the title has played to `seconds`, or the player has stopped; returns the error, or null.
export async function playTo(page, seconds, timeout = PATIENCE_MS) {
  const over = (to) => window.player.error || window.player.ended || (!window.player.seeking && window.player.currentTime > to);
  await page.waitForFunction(over, { timeout }, seconds);
  return page.evaluate(() => window.player.error?.message ?? null);
}

/// Begins with another `src` and attributes, and plays.
export function start(page, src, attributes = {}) {
  return page.evaluate((to, others) => {
    const { player } = window;
    for (const [name, value] of Object.entries(others)) player.setAttribute(name, value);
    if (player.src === to) player.load();
    else player.src = to;
    return player.play();
  }, src, attributes);
}

/// What is written over the picture.
export function notice(page) {
  return page.evaluate(() => window.player.shadowRoot.querySelector(".notice").textContent);
}

/// The workers of the page's players.
export function workers(page, name = "") {
  return page.workers().filter((worker) => worker.url().includes(name));
}
