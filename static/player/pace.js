// How fast frames are made, how fast they are shown, and which come too late.

/** Frames between two reports to the session. */
const REPORT = 8;
/** Frames over which the time for one is averaged. */
const MEASURED = 48;

export class Pace {
  /**
   * Where playback stands, as the session told last: `position_s` at the time `at` (milliseconds since 1970), the
   * `rate`, whether it `moves`, and the title's `fps`.
   */
  clock = null;
  #from_s = 0;
  #spent_ms = 0;
  #covered = 0;
  #reported = 0;
  #mean_ms = 0;
  #measured = 0;

  /** A segment begins, of which frames from `from_s` on are wanted. */
  begin(from_s) {
    this.#from_s = from_s;
    this.#spent_ms = 0;
    this.#covered = 0;
    this.#reported = 0;
  }

  /** Media time of the first frame that can still be shown in time, in seconds. */
  late_s() {
    if (!this.clock) return this.#from_s;
    const { position_s, at, rate, moves } = this.clock;
    const since_ms = performance.timeOrigin + performance.now() - at;
    const moved_s = moves ? (rate * (since_ms + this.#mean_ms)) / 1000 : 0;
    return Math.max(this.#from_s, position_s + moved_s);
  }

  /** A frame was made in `took_ms`; returns how many wanted ones before it were left out. */
  made({ time_s }, took_ms) {
    this.#measured = Math.min(this.#measured + 1, MEASURED);
    this.#mean_ms += (took_ms - this.#mean_ms) / this.#measured;
    this.#spent_ms += took_ms;
    const covered = Math.max(0, Math.round((time_s - this.#from_s) * this.#fps) + 1);
    const skipped = Math.max(0, covered - this.#covered - 1);
    this.#covered = Math.max(covered, this.#covered);
    return skipped;
  }

  /** Whether the session should hear: of a slow machine at once, as it will leave out what it cannot make. */
  isNews() {
    const slow = this.#measured === MEASURED && this.#mean_ms > this.#due_ms;
    return this.#covered - this.#reported >= (slow ? 1 : REPORT);
  }

  /**
   * Progress for the session: frames made or left out, and the time for one. It is never longer than a frame is
   * shown, as frames are left out before that.
   */
  report() {
    this.#reported = this.#covered;
    const frame_ms = this.#spent_ms / Math.max(1, this.#covered);
    return { frames: this.#covered, frame_s: Math.min(frame_ms, this.#due_ms) / 1000 };
  }

  get #fps() { return this.clock?.fps ?? 24; }

  /** How long a frame is shown, in milliseconds. */
  get #due_ms() { return 1000 / (this.#fps * (this.clock?.rate || 1)); }
}
