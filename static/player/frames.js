// The frames that wait to be shown, by time.

/** How much before its time a frame may be shown: a part of a display's refresh, in seconds. */
export const EARLY_S = 0.004;

export class Frames {
  #waiting = [];
  /** The time from one frame to the next, in seconds; 0 until two are known. */
  frameSeconds = 0;

  get size() { return this.#waiting.length; }

  /** Adds a frame. Returns the one that it replaces, of the same time from another rung, if there is one. */
  add(frame) {
    const at = this.#waiting.findLastIndex(({ time_s }) => time_s <= frame.time_s);
    const before = this.#waiting[at];
    if (before) {
      const gap = frame.time_s - before.time_s;
      if (gap < 1e-6) return this.#waiting.splice(at, 1, frame);
      // Of a slow machine frames between are left out.
      if (gap < 0.5) this.frameSeconds = Math.min(gap, this.frameSeconds || gap);
    }
    this.#waiting.splice(at + 1, 0, frame);
    return [];
  }

  /** The newest frame that is due at `time_s`, if it was not taken before, and the older ones. */
  take(time_s) {
    const last = this.#waiting.findLastIndex((frame) => frame.time_s <= time_s + EARLY_S);
    const taken = this.#waiting.splice(0, last + 1);
    const due = taken.pop() ?? null;
    return { due, passed: taken };
  }

  /**
   * The frame that is shown at `time_s` once it is known to be that one, and older ones: for a seek, whose
   * segment is generated from its start.
   */
  reach(time_s) {
    const at = this.#waiting.findLastIndex((frame) => frame.time_s <= time_s + EARLY_S);
    if (at < 0) return { due: null, passed: [] };
    const passed = this.#waiting.splice(0, at);
    const [due] = this.#waiting;
    const covers = this.#waiting.length > 1 || (this.frameSeconds > 0 && due.time_s + this.frameSeconds > time_s + EARLY_S);
    return { due: covers ? this.#waiting.shift() : null, passed };
  }

  /** Forgets the frames from a time on, or all, and returns them. */
  clear(from_s = -Infinity) {
    const at = this.#waiting.findIndex(({ time_s }) => time_s >= from_s);
    return at < 0 ? [] : this.#waiting.splice(at);
  }
}
