// Takes what a player appends to a source buffer apart: init segments and fragments of our codec.
//
// Which time a fragment covers is in its boxes (ISO/IEC 14496-12 §8.8), which weights its generator needs in
// `prmC` of the sample entry.

import { boxes, find, viewed } from "./boxes.js";
import { joined } from "./bytes.js";

/** Bytes of a visual sample entry before the boxes within (§12.1.3), and where its size is. */
export const ENTRY_BYTES = 78;
const ENTRY_SIZE = 24;

/** What there is to know of an init segment, with its bytes. */
function track(bytes) {
  const view = viewed(bytes);
  const trak = find(bytes, find(bytes, [0, bytes.length], "moov"), "trak");
  const [mdhd] = find(bytes, trak, "mdia/mdhd");
  const [stsd, end] = find(bytes, trak, "mdia/minf/stbl/stsd");
  const [entry, entryEnd] = find(bytes, [stsd + 8, end], "prm1");
  const [prmc] = find(bytes, [entry + ENTRY_BYTES, entryEnd], "prmC");
  const weights = prmc + 5 + bytes[prmc + 4];
  return {
    bytes,
    timescale: view.getUint32(mdhd + (bytes[mdhd] === 1 ? 20 : 12)),
    width: view.getUint16(entry + ENTRY_SIZE),
    height: view.getUint16(entry + ENTRY_SIZE + 2),
    /** SHA-256, hexadecimal. */
    weights: Array.from(bytes.subarray(weights, weights + 32), (byte) => byte.toString(16).padStart(2, "0")).join(""),
  };
}

/** Start and end of a fragment of one track, in ticks, and the number of its samples. */
function span(bytes) {
  const view = viewed(bytes);
  const traf = find(bytes, [0, bytes.length], "moof/traf");
  const [tfdt] = find(bytes, traf, "tfdt");
  const start = bytes[tfdt] === 1 ? Number(view.getBigUint64(tfdt + 4)) : view.getUint32(tfdt + 4);
  const [trun] = find(bytes, traf, "trun");
  const { count, first, stride } = run(view, trun);
  let end = start;
  for (let index = 0; index < count; index += 1) end += view.getUint32(first + index * stride);
  return { start, end, samples: count };
}

/** Where a `trun` has what it says of its samples. Ours give each a duration and a size, in this order. */
export function run(view, trun) {
  const flags = view.getUint32(trun) & 0xffffff;
  if ((flags & 0x300) !== 0x300) throw new Error("a fragment whose samples have no durations or sizes of their own");
  return {
    count: view.getUint32(trun + 4),
    first: trun + 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0),
    stride: 8 + (flags & 0x400 ? 4 : 0) + (flags & 0x800 ? 4 : 0),
  };
}

/** Takes bytes as they come. */
export class Fragments {
  #rest = new Uint8Array();
  #brand = new Uint8Array();
  #track = null;
  #open = null;

  /**
   * What `bytes` complete, in order: { track } for an init segment, and for a fragment
   * { track, media, start, end, samples } with its bytes and its time in seconds.
   */
  push(bytes) {
    const whole = joined([this.#rest, bytes]);
    const done = [];
    let used = 0;
    for (const [kind, from, to] of boxes(whole)) {
      const part = this.#take(kind, whole.slice(from - 8, to));
      if (part) done.push(part);
      used = to;
    }
    this.#rest = whole.slice(used);
    return done;
  }

  /** Forgets what is begun and not whole. */
  abort() {
    this.#rest = new Uint8Array();
    this.#open = null;
  }

  #take(kind, bytes) {
    if (kind === "ftyp") this.#brand = bytes;
    if (kind === "moof") this.#open = bytes;
    if (kind === "moov") {
      this.#track = track(joined([this.#brand, bytes]));
      return { track: this.#track };
    }
    if (kind !== "mdat" || !this.#open) return null;
    if (!this.#track) throw new Error("a fragment before any init segment");
    const media = joined([this.#open, bytes]);
    this.#open = null;
    const { start, end, samples } = span(media);
    const { timescale } = this.#track;
    return { track: this.#track, media, start: start / timescale, end: end / timescale, samples };
  }
}
