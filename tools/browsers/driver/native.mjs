// Pictures of the native player, and how far others are from them.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { readPng } from "./png.mjs";

/// Largest difference of a byte to the native player's frame, and of all on average.
export const WORST = 2;
export const MEAN = 1;

/// Folder with the frames of a rung as `promptus play` writes them, from that of `start` seconds on.
export function generate(program, manifest, rung, start, folder) {
  const words = ["play", manifest, "--abr", "fixed", "--rung", `${rung}`, "--start", `${start}`, "--out", folder];
  execFileSync(program, words, { stdio: "ignore" });
  return folder;
}

/// The frame of a number; the first in the folder has 0.
export function frame(folder, number) {
  return readPng(join(folder, `frame-${String(number).padStart(6, "0")}.png`));
}

/// The largest difference of a byte, and the mean, of a PNG's picture and RGBA bytes.
export function difference({ rgb }, rgba) {
  const all = rgb.map((value, at) => Math.abs(value - rgba[Math.floor(at / 3) * 4 + (at % 3)]));
  return { worst: all.reduce((most, value) => Math.max(most, value), 0), mean: all.reduce((sum, value) => sum + value, 0) / all.length };
}
