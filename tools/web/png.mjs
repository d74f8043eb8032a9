// Reads the PNG files that `promptus play --out DIR` writes: 8-bit RGB, not interlaced.
import { inflateSync } from "node:zlib";

export function readPng(file) {
  const parts = [];
  let size;
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const kind = file.toString("latin1", at + 4, at + 8);
    const data = file.subarray(at + 8, at + 8 + length);
    if (kind === "IHDR") {
      size = [data.readUInt32BE(0), data.readUInt32BE(4)];
      if (data[8] !== 8 || data[9] !== 2 || data[12] !== 0) throw new Error("expected 8-bit RGB");
    }
    if (kind === "IDAT") parts.push(data);
    at += 12 + length;
  }
  const [width, height] = size;
  return { width, height, rgb: unfiltered(inflateSync(Buffer.concat(parts)), 3 * width, height) };
}

// PNG (ISO/IEC 15948) §9.2: each row is predicted from the left, above and upper left bytes.
function unfiltered(raw, row, height) {
  const rgb = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (row + 1)];
    for (let x = 0; x < row; x++) {
      const at = y * row + x;
      const left = x >= 3 ? rgb[at - 3] : 0;
      const up = y > 0 ? rgb[at - row] : 0;
      const corner = x >= 3 && y > 0 ? rgb[at - row - 3] : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      rgb[at] = raw[y * (row + 1) + 1 + x] + predicted;
    }
  }
  return rgb;
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(guess - value));
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
