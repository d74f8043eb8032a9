// What the player plans on slow machines, without a machine: times of the shipped title's frames, a clock that
// only they move, and the renderer's rules (src/render/motion.rs).

import { Pace } from "../../../../static/player/pace.js";
import { check } from "../checks.mjs";

const FPS = 24;
const SECONDS = 30;
/// The first seconds are those in which the machine is learnt.
const LEARNT_S = 4;
const FRAMES = 48;
const KEYFRAMES = [[0, 20, 40, 47], [0, 30, 47], [0, 20, 40, 47], [0, 20, 40, 47]];
/// Milliseconds of a keyframe, of the motion between two, and of a frame between; the first two keyframes take longer.
const TIMES = { key: 115, motion: 45, between: 11 };
const COLD = 3.5;
/// Frames that may wait to be shown.
const AHEAD = 36;

/// The frames of one segment. `spend(milliseconds)` passes the time.
class Segment {
  #positions;
  #from = 0;
  #before = null;
  #between = [];

  constructor(keyframes, spend) {
    this.#positions = [...keyframes];
    this.spend = spend;
  }

  skip(index) {
    this.#from = Math.max(this.#from, index);
    if (this.#from >= FRAMES) this.#positions = [];
    while (this.#positions[1] <= this.#from) this.#positions.shift();
  }

  /// The number of the next frame, and whether it is a keyframe; null after the last.
  next() {
    this.#between = this.#between.filter(({ index, keyframe }) => keyframe || index >= this.#from);
    if (this.#between.length === 0) {
      if (this.#positions.length === 0) return null;
      this.#generate(this.#positions.shift());
    }
    const frame = this.#between.shift();
    if (!frame.keyframe) this.spend("between");
    return frame;
  }

  #generate(to) {
    this.spend("key");
    const first = Math.max((this.#before ?? to) + 1, this.#from);
    for (let index = first; index < to; index += 1) this.#between.push({ index, keyframe: false });
    if (this.#between.length > 0) this.spend("motion");
    this.#between.push({ index: to, keyframe: true });
    this.#before = to;
  }
}

/// Plays on a machine that is `factor` times slower. Returns the frames that were made: when they are due and when
/// they were there, in seconds of media time.
function played(factor) {
  let now_ms = 0;
  let began_ms = null;
  let cold = 2;
  const spend = (what) => {
    const slower = what === "key" && cold > 0 ? COLD : 1;
    if (what === "key") cold -= 1;
    now_ms += factor * slower * TIMES[what];
  };
  const position_s = () => (began_ms === null ? 0 : (now_ms - began_ms) / 1000);
  const pace = new Pace(() => now_ms);
  const frames = [];
  for (let number = 0; number * FRAMES < SECONDS * FPS; number += 1) {
    const keyframes = KEYFRAMES[number % KEYFRAMES.length];
    const start_s = (number * FRAMES) / FPS;
    const segment = new Segment(keyframes, spend);
    pace.begin(start_s, { start_s, frames: FRAMES, keyframes }, 0);
    for (;;) {
      while (frames.length >= AHEAD && frames.at(-AHEAD).due_s > position_s()) now_ms += 1;
      pace.clock = { at: now_ms, position_s: position_s(), rate: 1, moves: began_ms !== null, fps: FPS };
      segment.skip(Math.floor((pace.next_s() - start_s) * FPS));
      const before_ms = now_ms;
      const frame = segment.next();
      if (!frame) break;
      pace.made(frame, now_ms - before_ms);
      frames.push({ due_s: start_s + frame.index / FPS, made_s: position_s() });
      if (pace.isNews()) {
        pace.report();
        began_ms ??= now_ms;
      }
    }
    pace.end();
  }
  return frames;
}

function judged(factor, { least, still_s }) {
  const frames = played(factor).filter(({ due_s }) => due_s > LEARNT_S && due_s < SECONDS);
  const shown_s = frames.map(({ due_s, made_s }) => Math.max(due_s, made_s));
  const longest_s = Math.max(...shown_s.slice(1).map((at_s, index) => at_s - shown_s[index]));
  const rate = frames.length / (SECONDS - LEARNT_S);
  const late = frames.filter(({ due_s, made_s }) => made_s > due_s + 0.5 / FPS).length;
  const text = `${rate.toFixed(1)} frames/s, ${late} late, the longest shown for ${longest_s.toFixed(2)} s`;
  check(rate >= least && late === 0 && longest_s <= still_s, `planned, ${factor} times slower: ${text}`);
}

export async function planned() {
  judged(1, { least: 23.9, still_s: 0.05 });
  judged(1.8, { least: 23.9, still_s: 0.05 });
  judged(2.4, { least: 12, still_s: 0.35 });
  judged(4, { least: 5, still_s: 0.9 });
  judged(8, { least: 1, still_s: 1.7 });
  judged(12, { least: 0.6, still_s: 2.5 });
}
