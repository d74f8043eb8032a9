// How long frames take to make, and which are worth making, as they come in time.
//
// A keyframe takes long, and the first frame after one longest: it needs the next keyframe, and the motion from one
// to the other. The frames up to there are cheap then. So times are kept by kind, and the rest of a segment is
// planned with them, for every frame anew, as machines do not stay as fast as they are. Knows no frame's content.

/** Frames between two reports to the session. */
const REPORT = 8;
/** Weight of the newest frame in the mean time of its kind. */
const NEWEST = 1 / 4;
/** What took longer tells of a machine that stood still rather than of its pace, in milliseconds. */
const LONGEST_MS = 2000;
/**
 * What to make of the rest of a segment, the best first: a frame out of `stride` ones, and whether it `closes` with
 * the segment's last keyframe, which is hardly seen itself: that of the next segment follows.
 */
const PLANS = [
  ...[1, 2, 3, 4].map((stride) => ({ stride, closes: true })),
  ...[2, 3, 4, 6, 8, 12, Infinity].map((stride) => ({ stride, closes: false })),
];
const [ALL] = PLANS;

export class Pace {
  /**
   * Where playback stands, as the session told last: `position_s` at the time `at` (milliseconds since 1970), the
   * `rate`, whether it `moves`, and the title's `fps`.
   */
  clock = null;
  #now_ms;
  #from_s = 0;
  #segment = { start_s: 0, frames: 0, keyframes: [] };
  /** The newest frame of the segment. */
  #last = null;
  /** Mean milliseconds by kind; null before the first, 0 before the second. */
  #means = { key: null, turn: null, between: null, close: null };
  #read_ms = 0;
  #spent_ms = 0;
  #covered = 0;
  #reported = 0;
  #missed = 0;
  #slow = false;
  /** Whether the newest plan leaves frames out. */
  #thins = false;

  /** `now_ms` tells the time, in milliseconds since 1970. */
  constructor(now_ms = () => performance.timeOrigin + performance.now()) {
    this.#now_ms = now_ms;
  }

  /** Whether playback moves: it does not wait for frames then, those that come too late are left out. */
  get moves() { return Boolean(this.clock?.moves); }

  /**
   * A segment begins that has so many `frames` from `start_s` on, with `keyframes` at these numbers; those from
   * `from_s` on are wanted. To read it took `read_ms`.
   */
  begin(from_s, segment, read_ms) {
    this.#from_s = from_s;
    this.#segment = segment;
    this.#last = null;
    this.#read_ms = read_ms;
    this.#spent_ms = 0;
    this.#covered = 0;
    this.#reported = 0;
    this.#slow = this.#work(ALL) > segment.frames;
  }

  /** Media time of the next frame that is worth making, in seconds. */
  next_s() {
    const wanted_s = Math.max(this.#from_s, this.clock?.position_s ?? 0);
    if (!this.moves) return wanted_s;
    // The middle of the time that it is shown, so that rounding does no harm.
    return Math.max(wanted_s, this.#segment.start_s + (this.#next() + 0.5) / this.#fps);
  }

  /** A frame was made in `took_ms`; returns how many wanted ones before it were left out. */
  made(frame, took_ms) {
    const all_ms = took_ms + this.#read_ms;
    this.#learn(kindOf(this.#last, frame.keyframe), Math.min(all_ms, LONGEST_MS));
    this.#read_ms = 0;
    this.#spent_ms += all_ms;
    this.#last = frame;
    const skipped = this.#missed + Math.max(0, this.#cover(frame.index) - 1);
    this.#missed = 0;
    return skipped;
  }

  /** No more frames of the segment are made. Those that were left out at its end are counted with the next one. */
  end() {
    this.#missed += this.#cover(this.#segment.frames - 1);
  }

  /**
   * Whether the session should hear. Playback that does not move waits for the first report: until there are frames
   * to show while the next ones are made, unless the machine is too slow for all of them.
   */
  isNews() {
    const first = this.#reported === 0 && (this.moves || this.#slow);
    return this.#covered - this.#reported >= (first ? 1 : REPORT);
  }

  /**
   * Progress for the session: frames made or left out, and the time for one. It is never longer than a frame is
   * shown, as frames are left out before that.
   */
  report() {
    this.#reported = this.#covered;
    const frame_s = this.#spent_ms / Math.max(1, this.#covered) / 1000;
    return { frames: this.#covered, frame_s: Math.min(frame_s, 1 / (this.#fps * this.#rate)) };
  }

  /** The first of a kind says nothing: the browser still compiles what makes it. */
  #learn(kind, took_ms) {
    const { [kind]: mean_ms } = this.#means;
    if (mean_ms) this.#means[kind] += NEWEST * (took_ms - mean_ms);
    else this.#means[kind] = mean_ms === null ? 0 : took_ms;
  }

  /** The number of the next frame that is worth making: beyond the last if none is. */
  #next() {
    const now = this.#now;
    // So that the next segment begins in time; once frames are left out, with room for the frame after its keyframe.
    const room = this.#cost("key") + (this.#thins ? this.#cost("turn") : 0);
    const left = this.#segment.frames - now - room;
    const plan = PLANS.find((each) => this.#work(each) <= left) ?? PLANS.at(-1);
    this.#thins = plan !== ALL;
    const keyframes = this.#ahead(plan);
    const made = (isKey) => now + this.#cost(kindOf(this.#last, isKey));
    const between = this.#last ? Math.max(this.#last.index + plan.stride, Math.ceil(made(false))) : Infinity;
    if (between < keyframes[0]) return between;
    return keyframes.find((index) => index >= made(true)) ?? this.#segment.frames;
  }

  /** How long a plan for the rest of the segment takes, in frames that are shown meanwhile. */
  #work(plan) {
    let work = 0;
    let before = this.#last;
    for (const index of this.#ahead(plan)) {
      const between = before ? Math.ceil((index - before.index) / plan.stride) - 1 : 0;
      if (between > 0) {
        work += this.#cost(kindOf(before, false)) + (between - 1) * this.#cost("between") + this.#cost("close");
      } else work += this.#cost(kindOf(before, true));
      before = { index, keyframe: true };
    }
    return work;
  }

  /** The keyframes that a plan still needs. One that frames were made towards is there already. */
  #ahead({ closes }) {
    const last = this.#last;
    const ahead = this.#segment.keyframes.filter((index) => index > (last?.index ?? -1));
    const least = last?.keyframe ? 0 : 1;
    return closes || ahead.length <= least ? ahead : ahead.slice(0, -1);
  }

  /**
   * The mean time of a kind, in frames that are shown meanwhile. None takes longer than this in proportion to
   * keyframes, of which there are always some: a kind that is left out is tried again when the machine gets faster.
   */
  #cost(kind) {
    const { key, [kind]: mean } = this.#means;
    const mean_ms = key ? Math.min(mean, kind === "turn" ? 2 * key : key) : mean;
    return (mean_ms * this.#fps * this.#rate) / 1000;
  }

  /** Counts the wanted frames up to this number; returns how many of them were not counted before. */
  #cover(index) {
    const first = Math.max(0, Math.round((this.#from_s - this.#segment.start_s) * this.#fps));
    const more = Math.max(0, index + 1 - first - this.#covered);
    this.#covered += more;
    return more;
  }

  /** The number of the frame that is shown now, with its fraction. */
  get #now() {
    const { position_s, at } = this.clock;
    const since_s = (this.#now_ms() - at) / 1000;
    return (position_s + this.#rate * since_s - this.#segment.start_s) * this.#fps;
  }

  get #fps() { return this.clock?.fps ?? 24; }
  get #rate() { return this.clock?.rate || 1; }
}

/** The kind of a frame: a keyframe after a keyframe or at the start, or after others; the first after one, or another. */
function kindOf(before, isKey) {
  const turns = !before || before.keyframe;
  if (isKey) return turns ? "key" : "close";
  return turns ? "turn" : "between";
}
