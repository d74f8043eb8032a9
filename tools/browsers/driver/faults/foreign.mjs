// Bytes that are not what they should be: weights, the module, and every part of a title.

import { check, note } from "../checks.mjs";
import { firstFrame, open, playTo, start } from "../page.mjs";
import { random } from "../random.mjs";

const HASHES = /[0-9a-f]{64}.*[0-9a-f]{64}/;
/// The words of an export that panics.
const TRAP = /module stopped/;
const CASES = 50;
const SEED = 15;
/// Media time that covers the spoilt parts, in seconds.
const FAR_S = 4.2;
/// The files of a title, and which of their requests are meant.
const PARTS = [
  { name: "master playlist", src: "demo/segments/master.m3u8", path: /\/master\.m3u8$/ },
  { name: "media playlist", src: "demo/segments/master.m3u8", path: /-r\d+(-segments)?\.m3u8|media\.m3u8/ },
  { name: "MPD", src: "demo/segments/manifest.mpd", path: /\/manifest\.mpd$/ },
  { name: "init segment", src: "demo/segments/master.m3u8", path: /init\.mp4$/ },
  { name: "media segment", src: "demo/segments/master.m3u8", path: /\/[12]\.m4s$/ },
];

async function stops({ browser, place }, what, expected) {
  const { context, page, complaints } = await open(browser, place("watch/demo"));
  await page.waitForFunction(() => window.player.error || window.player.shownFrame);
  const [error, frame] = await page.evaluate(() => [window.player.error?.message ?? null, window.player.shownFrame]);
  check(expected.test(error ?? "") && !TRAP.test(error), `${what}: "${error}"`);
  check(frame === null && complaints.length === 0, `${what}: no picture, nothing is thrown ${complaints.join("; ")}`);
  await context.close();
}

export async function wrongWeights(bench) {
  const flipped = (at) => (bytes) => {
    const other = Buffer.from(bytes);
    other[at] ^= 0x10;
    return other;
  };
  const spoilt = {
    "another file as weights": () => Buffer.from("not weights".repeat(1000)),
    "weights without their end": (bytes) => bytes.subarray(0, bytes.length - 4096),
    "weights with a flipped byte in a tensor": flipped(2_000_000),
    "weights with a flipped byte in the head": flipped(40),
  };
  for (const [what, change] of Object.entries(spoilt)) {
    bench.proxy.fault = ({ path }) => (path.includes("/weights/") ? { change } : null);
    await stops(bench, what, HASHES);
  }
}

export async function wrongModule(bench) {
  const foreign = {
    "text as module": Buffer.from("<!doctype html>"),
    "a module without exports": Buffer.from([0, 97, 115, 109, 1, 0, 0, 0]),
  };
  for (const [what, bytes] of Object.entries(foreign)) {
    bench.proxy.fault = ({ path }) => (path.includes("promptus.wasm") ? { change: () => bytes } : null);
    await stops(bench, what, /promptus\.wasm/);
  }
}

/// Spoils some bytes, the same for the same numbers.
function spoil(bytes, next) {
  const other = Buffer.from(bytes);
  const count = 1 + Math.floor(next() * 8);
  for (let flip = 0; flip < count; flip += 1) other[Math.floor(next() * other.length)] ^= 1 + Math.floor(next() * 255);
  if (next() < 0.1) return other.subarray(0, Math.floor(next() * other.length));
  return other;
}

/// Fixed seed, one page: that an error leaves the element in order is tested along.
export async function garbage({ browser, proxy, place }) {
  const { context, page, complaints } = await open(browser, place("watch/demo"));
  await firstFrame(page);
  proxy.cached = false;
  await page.evaluate(() => { window.player.playbackRate = 4; });
  const count = { errors: 0, plays: 0 };
  for (let number = 0; number < CASES; number += 1) {
    const part = PARTS[number % PARTS.length];
    const next = random(SEED + number);
    let spoilt = 0;
    proxy.fault = ({ path }) => {
      if (!part.path.test(path)) return null;
      spoilt += 1;
      return { change: (bytes) => spoil(bytes, next) };
    };
    await page.evaluate(() => { window.player.removeAttribute("start"); });
    await start(page, place(part.src), { buffer: "4" });
    const what = `case ${number}, ${part.name}`;
    const error = await playTo(page, FAR_S, 30_000).catch(() => "it hangs");
    if (error === null) count.plays += 1;
    else count.errors += 1;
    if (spoilt === 0) check(false, `${what}: nothing was spoilt`);
    if (error === null) continue;
    if (error === "it hangs") check(false, `${what}: ${JSON.stringify(await page.evaluate(() => window.player.stats))}`);
    else check(/http:\/\/127\.0\.0\.1/.test(error) && !TRAP.test(error), `${what}: "${error}"`);
  }
  proxy.cached = true;
  const thrown = complaints.filter((text) => !/Failed to load resource/.test(text));
  check(thrown.length === 0, `nothing is thrown ${thrown.join("; ")}`);
  note(`of ${CASES} spoilt titles ${count.errors} end with an error, ${count.plays} play`);
  await context.close();
}
