// A film of black pictures in H.264 that lasts as long as ours: it goes through the browser's own decoder, so
// that the media element has a clock, controls, buffered ranges and events while our pictures are drawn over it.
//
// Each sample is one picture that needs no other (ITU-T H.264, constrained baseline profile, CAVLC), a byte for
// every 16×16 pixels. Boxes are those of our segments but for the sample entry and the sizes of samples.

import { box, boxes, bytes32, changed, viewed } from "./boxes.js";
import { joined } from "./bytes.js";
import { ENTRY_BYTES, run } from "./fragments.js";

/** Constrained baseline, level 4: up to 1920×1080 at 30 a second. */
const PROFILE = [0x42, 0xc0, 0x28];
/** The type of the film. */
export const TYPE = 'video/mp4; codecs="avc1.42c028"';

// Codes of numbers (§9.1): of fixed length, unsigned and signed Exp-Golomb.
const u = (number, bits) => number.toString(2).padStart(bits, "0");
const ue = (number) => {
  const code = (number + 1).toString(2);
  return "0".repeat(code.length - 1) + code;
};
const se = (number) => ue(number > 0 ? 2 * number - 1 : -2 * number);

/** A unit of the network abstraction layer: nowhere in it are 22 zeros in a row, so that it needs no escapes. */
function unit(header, ...codes) {
  const bits = `${codes.join("")}1`;
  const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g);
  return Uint8Array.of(header, ...bytes.map((byte) => Number.parseInt(byte, 2)));
}

/** Sequence parameters (§7.3.2.1.1): pictures in the order of decoding, cut to their size. */
function sequence(width, height) {
  const [across, down] = [width, height].map((size) => Math.ceil(size / 16));
  const cut = [across * 16 - width, down * 16 - height].map((pixels) => Math.floor(pixels / 2));
  const [profile, constraints, level] = PROFILE.map((byte) => u(byte, 8));
  return unit(0x67, profile, constraints, level, ue(0), ue(0), ue(2), ue(1), "0", ue(across - 1), ue(down - 1),
    "1", "1", "1", ue(0), ue(cut[0]), ue(0), ue(cut[1]), "0");
}

/** Picture parameters (§7.3.2.2), all plain, with control of the deblocking filter. */
const PARAMETERS = unit(0x68, ue(0), ue(0), "0", "0", ue(0), ue(0), ue(0), "0", "00", se(0), se(0), se(0), "1", "0", "0");

/**
 * A black picture. Every macroblock is predicted from the mean of its neighbours; the first, which has none and
 * would be grey, adds one coefficient of −8, which is −112 for each pixel at the coarsest quantiser.
 */
function picture(width, height, number) {
  const macroblocks = Math.ceil(width / 16) * Math.ceil(height / 16);
  const head = [ue(0), ue(7), ue(0), u(0, 4), ue(number), "0", "0", se(51 - 26), ue(1)];
  const predicted = [ue(3), ue(0), se(0)];
  const black = ["000101", `${"0".repeat(13)}1`, "1"];
  const rest = [...predicted, "1"].join("").repeat(macroblocks - 1);
  const slice = unit(0x65, ...head, ...predicted, ...black, rest);
  return joined([bytes32(slice.length), slice]);
}

/** The sample entry `avc1` in place of ours (ISO/IEC 14496-15 §5.4.2.1), with the same size and pixel aspect. */
function entry(stsd, { width, height }) {
  const [, from, to] = boxes(stsd, 8).next().value;
  const [aspect] = Array.from(boxes(stsd, from + ENTRY_BYTES, to)).filter(([kind]) => kind === "pasp");
  const sps = sequence(width, height);
  const about = box("avcC", Uint8Array.of(1, ...PROFILE, 0xff, 0xe1), bytes32(sps.length).subarray(2), sps,
    Uint8Array.of(1, 0, PARAMETERS.length), PARAMETERS);
  const kept = aspect ? stsd.subarray(aspect[1] - 8, aspect[2]) : new Uint8Array();
  return joined([stsd.subarray(0, 8), box("avc1", stsd.subarray(from, from + ENTRY_BYTES), about, kept)]);
}

/** The film that goes with one of our tracks. */
export class Carrier {
  #pictures;

  constructor(track) {
    this.track = track;
    // Of two such pictures in a row the numbers differ (§7.4.3); these two take the same bits.
    this.#pictures = [1, 2].map((number) => picture(track.width, track.height, number));
  }

  init() {
    const into = { moov: true, trak: true, mdia: true, minf: true, stbl: true };
    return changed(this.track.bytes, { ...into, stsd: (content) => entry(content, this.track) });
  }

  /** In place of a fragment of ours: as many samples of the same durations. */
  fragment(media) {
    const [{ length }] = this.#pictures;
    let samples = 0;
    const trun = (content) => {
      const view = viewed(content);
      const { count, first, stride } = run(view, 0);
      for (let index = 0; index < count; index += 1) view.setUint32(first + index * stride + 4, length);
      samples = count;
      return content;
    };
    const mdat = () => joined(Array.from({ length: samples }, (_, index) => this.#pictures[index % 2]));
    return changed(media, { moof: true, traf: true, trun, mdat });
  }
}
