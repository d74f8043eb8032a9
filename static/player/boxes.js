// Reads and writes boxes of ISO base media (ISO/IEC 14496-12 §4.2). Knows nothing of what is inside a sample.

import { joined } from "./bytes.js";

/** A view of bytes for reading numbers. */
export function viewed(bytes) {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The whole boxes between two places, as [kind, start of the content, end]. */
export function* boxes(bytes, start = 0, end = bytes.length) {
  const view = viewed(bytes);
  for (let at = start; at + 8 <= end; ) {
    const size = view.getUint32(at);
    if (size < 8) throw new Error(`box of ${size} bytes at ${at}`);
    if (at + size > end) return;
    yield [String.fromCharCode(...bytes.subarray(at + 4, at + 8)), at + 8, at + size];
    at += size;
  }
}

/** The content of the first box at the end of a path such as `mdia/mdhd`, as [start, end]. */
export function find(bytes, [start, end], path) {
  const [name, ...rest] = path.split("/");
  for (const [kind, from, to] of boxes(bytes, start, end)) {
    if (kind === name) return rest.length ? find(bytes, [from, to], rest.join("/")) : [from, to];
  }
  throw new Error(`there is no box ${name}`);
}

/** A box around its content. */
export function box(kind, ...content) {
  const size = 8 + content.reduce((sum, part) => sum + part.length, 0);
  return joined([bytes32(size), Uint8Array.from(kind, (letter) => letter.charCodeAt(0)), ...content]);
}

export function bytes32(number) {
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

/**
 * The boxes of `bytes` with the content of some replaced. `changes` says by kind how: true goes into the boxes
 * within, a function gets a copy of the content and returns the new one. All others stay as they are.
 */
export function changed(bytes, changes) {
  const parts = Array.from(boxes(bytes), ([kind, from, to]) => {
    const change = changes[kind];
    if (!change) return bytes.subarray(from - 8, to);
    const content = bytes.slice(from, to);
    return box(kind, change === true ? changed(content, changes) : change(content));
  });
  return joined(parts);
}
