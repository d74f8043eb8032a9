// Reads as much of ISO base media (ISO/IEC 14496-12) as a clock needs: which time the samples of a
// fragment cover. Knows nothing of what is inside a sample.

function kind(view, at) {
  return String.fromCharCode(...[4, 5, 6, 7].map((offset) => view.getUint8(at + offset)));
}

/// The whole boxes between two places, as [kind, start of the content, end].
function* boxes(view, start, end) {
  for (let at = start; at + 8 <= end; ) {
    const size = view.getUint32(at);
    if (size < 8) throw new Error(`box of ${size} bytes at ${at}`);
    if (at + size > end) return;
    yield [kind(view, at), at + 8, at + size];
    at += size;
  }
}

/// The content of the first box at the end of a path such as `mdia/mdhd`, as [start, end].
function find(view, [start, end], path) {
  const [name, ...rest] = path.split("/");
  for (const [found, from, to] of boxes(view, start, end)) {
    if (found === name) return rest.length ? find(view, [from, to], rest.join("/")) : [from, to];
  }
  return null;
}

/// The timescale and the default duration of samples in a `moov`.
function movie(view, place) {
  const [mdhd] = find(view, place, "trak/mdia/mdhd");
  const timescale = view.getUint32(mdhd + (view.getUint8(mdhd) === 1 ? 20 : 12));
  const trex = find(view, place, "mvex/trex");
  return { timescale, duration: trex ? view.getUint32(trex[0] + 12) : 0 };
}

/// The start, in ticks, of a `moof`'s one track fragment and the durations of its samples.
function fragment(view, place, inherited) {
  const traf = find(view, place, "traf");
  const [tfdt] = find(view, traf, "tfdt");
  const start = view.getUint8(tfdt) === 1 ? Number(view.getBigUint64(tfdt + 4)) : view.getUint32(tfdt + 4);
  const [tfhd] = find(view, traf, "tfhd");
  const flags = view.getUint32(tfhd) & 0xffffff;
  let at = tfhd + 8 + (flags & 1 ? 8 : 0) + (flags & 2 ? 4 : 0);
  const usual = flags & 8 ? view.getUint32(at) : inherited;
  const durations = [];
  for (const [name, from] of boxes(view, ...traf)) {
    if (name === "trun") durations.push(...run(view, from, usual));
  }
  return { start, durations };
}

/// The durations in a `trun`.
function run(view, from, usual) {
  const flags = view.getUint32(from) & 0xffffff;
  const count = view.getUint32(from + 4);
  const first = from + 8 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  const stride = 4 * [0x100, 0x200, 0x400, 0x800].filter((flag) => flags & flag).length;
  return Array.from({ length: count }, (_, index) => (flags & 0x100 ? view.getUint32(first + index * stride) : usual));
}

/// Takes bytes as they come and tells of every movie and every fragment whose `mdat` is whole.
export class Reader {
  #rest = new Uint8Array();
  #movie = null;
  #open = null;

  /// Returns the fragments that `bytes` complete, as { start, end, samples } in seconds.
  push(bytes) {
    const whole = new Uint8Array(this.#rest.length + bytes.length);
    whole.set(this.#rest);
    whole.set(bytes, this.#rest.length);
    const view = new DataView(whole.buffer);
    const done = [];
    let used = 0;
    for (const [name, from, to] of boxes(view, 0, whole.length)) {
      if (name === "moov") this.#movie = movie(view, [from, to]);
      if (name === "moof") this.#open = this.#fragment(view, [from, to]);
      if (name === "mdat" && this.#open) {
        done.push(this.#open);
        this.#open = null;
      }
      used = to;
    }
    this.#rest = whole.slice(used);
    return done;
  }

  /// Forgets what is begun and not whole.
  abort() {
    this.#rest = new Uint8Array();
    this.#open = null;
  }

  get hasMovie() {
    return this.#movie !== null;
  }

  #fragment(view, place) {
    if (!this.#movie) throw new Error("a fragment before any init segment");
    const { start, durations } = fragment(view, place, this.#movie.duration);
    const ticks = durations.reduce((sum, duration) => sum + duration, 0);
    const { timescale } = this.#movie;
    return { start: start / timescale, end: (start + ticks) / timescale, samples: durations.length };
  }
}
