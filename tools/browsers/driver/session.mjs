// One player plays one manifest to its end; the line gets slow on the way. At last it shows one picture again.

import { Shaper } from "./shaper.mjs";

/// The line at first, in bits per second.
const FAST = 4_000_000;
/// Media time at which it gets slow, in seconds.
const SLOW_AT_S = 3;
const POLL_MS = 250;
/// How long a busy machine may take to show a page, in milliseconds.
const OPEN_MS = 120_000;
/// How long a session may take beyond the length of the title, in seconds.
const PATIENCE_S = 60;

/// A line on which only the lowest rung keeps up, in bits per second: a fifth more than that, and what the
/// heads of the answers take.
function slow(title) {
  return title.rungs[0].bits * 1.2 + 4000;
}

/// Gives every request of the page the name of the session, so that the log tells sessions apart.
async function open(browser, name) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(OPEN_MS);
  await page.setUserAgent(name);
  const thrown = [];
  page.on("pageerror", (error) => thrown.push(String(error)));
  return { context, page, thrown };
}

/// Watches until the title is over; makes the line slow in time. Returns what the page reports at the
/// end, and when the line got slow, in seconds since 1970.
async function watch(page, title, shaper) {
  const until = Date.now() + (PATIENCE_S + title.seconds) * 1000;
  let slowedAt = null;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    const report = await page.evaluate(() => window.report());
    if (report.ended || report.errors.length || Date.now() > until) return { report, slowedAt };
    if (slowedAt === null && report.currentTime >= SLOW_AT_S) {
      shaper.rate = slow(title);
      slowedAt = Date.now() / 1000;
    }
  }
}

/// The picture that the player shows after a seek to `seconds`; null if it does not come.
async function look(page, seconds) {
  const asked = page.evaluate((to) => window.look(to), seconds);
  let end;
  const late = new Promise((resolve) => { end = setTimeout(resolve, PATIENCE_S * 1000, null); });
  return Promise.race([asked, late]).finally(() => clearTimeout(end));
}

/// Plays `session` to its end.
export async function play({ browser, pages, origin }, title, { name, player, kind, form }) {
  const shaper = new Shaper(origin.url, FAST);
  const manifest = title.url(await shaper.open(), kind, form);
  const { context, page, thrown } = await open(browser, name);
  const url = new URL(pages.url);
  const adapter = new URL("_player/adapter.js", origin.url).href;
  url.search = new URLSearchParams({ player, manifest, adapter });
  await page.goto(url.href);
  await page.waitForFunction(() => window.report);
  const watched = await watch(page, title, shaper);
  shaper.rate = FAST;
  watched.picture = watched.report.ended ? await look(page, title.lookAt) : null;
  await context.close();
  shaper.close();
  watched.report.errors.push(...thrown);
  return watched;
}
