// The fragments that a source buffer holds, by time. A fragment is shown from `from` to `to`, in seconds.

/** Parts of a second that rounding may put between two fragments. */
export const GAP_S = 0.01;

export class Samples {
  #list = [];

  get size() { return this.#list.length; }

  /** Adds a fragment in place of what is there at its time. Returns the fragments that lose by it. */
  add(fragment) {
    const { from, to } = fragment;
    const touched = this.#list.filter((other) => other.from < to - GAP_S && other.to > from + GAP_S);
    for (const other of touched) {
      if (other.from < from - GAP_S) other.to = from;
      else if (other.to > to + GAP_S) other.from = to;
      else this.#list.splice(this.#list.indexOf(other), 1);
    }
    const at = this.#list.findIndex((other) => other.from > from);
    this.#list.splice(at < 0 ? this.#list.length : at, 0, fragment);
    return touched;
  }

  /** Forgets the fragments that are outside of these TimeRanges, and returns them. */
  prune(ranges) {
    const held = ({ from, to }) => Array.from({ length: ranges.length }, (_, at) => at)
      .some((at) => ranges.start(at) < to - GAP_S && ranges.end(at) > from + GAP_S);
    const gone = this.#list.filter((fragment) => !held(fragment));
    this.#list = this.#list.filter(held);
    return gone;
  }

  /** The fragment that is shown at `time_s` and those that follow without a gap. */
  ahead(time_s) {
    const found = [];
    let end = time_s;
    for (const fragment of this.#list) {
      if (fragment.to <= time_s) continue;
      if (fragment.from > end + GAP_S) break;
      found.push(fragment);
      end = fragment.to;
    }
    return found;
  }
}
