// Reads PNG files as `promptus play --out FOLDER` writes them: eight bits a sample, RGB, not interlaced.

import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";

const HEADER = 8;
const CHANNELS = 3;

function chunks(bytes) {
  const found = [];
  for (let at = HEADER; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    found.push({ type: bytes.toString("latin1", at + 4, at + 8), data: bytes.subarray(at + 8, at + 8 + length) });
    at += length + 12;
  }
  return found;
}

/// The predictor of the fourth filter type (PNG §9.4).
function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

const PREDICT = [
  () => 0,
  (left) => left,
  (left, up) => up,
  (left, up) => (left + up) >> 1,
  paeth,
];

/// { width, height, rgb } of a file.
export function readPng(path) {
  const all = chunks(readFileSync(path));
  const head = all.find(({ type }) => type === "IHDR").data;
  const [width, height] = [head.readUInt32BE(0), head.readUInt32BE(4)];
  if (head[8] !== 8 || head[9] !== 2 || head[12] !== 0) throw new Error(`${path}: expected 8-bit RGB, not interlaced`);
  const raw = inflateSync(Buffer.concat(all.filter(({ type }) => type === "IDAT").map(({ data }) => data)));
  const row = width * CHANNELS;
  const rgb = new Uint8Array(row * height);
  for (let y = 0; y < height; y += 1) {
    const predict = PREDICT[raw[y * (row + 1)]];
    for (let x = 0; x < row; x += 1) {
      const at = y * row + x;
      const left = x >= CHANNELS ? rgb[at - CHANNELS] : 0;
      const up = y > 0 ? rgb[at - row] : 0;
      const corner = x >= CHANNELS && y > 0 ? rgb[at - row - CHANNELS] : 0;
      rgb[at] = raw[y * (row + 1) + 1 + x] + predict(left, up, corner);
    }
  }
  return { width, height, rgb };
}
