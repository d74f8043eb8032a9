// Stands in for Media Source Extensions where the codec is ours, which no browser knows, so that
// players that nobody changed fetch, buffer and switch. Samples are timed and thrown away.
//
// `isTypeSupported`, `decodingInfo` and `addSourceBuffer` say yes to `codecs="prm1…"` and pass
// everything else on. The media element's clock, `buffered` and events are made from the times of
// the samples (W3C Media Source Extensions, HTML "media elements").

import { Reader } from "./boxes.js";

const CODEC = /codecs="?\s*prm1\b/;
/// Parts of a second that rounding may put between two fragments.
const GAP = 0.01;
const TICK_MS = 40;

/// Sorted ranges of time that do not touch.
class Ranges {
  list = [];

  add(start, end) {
    const apart = this.list.filter(([from, to]) => to < start - GAP || from > end + GAP);
    const joined = this.list.filter((range) => !apart.includes(range));
    const whole = [Math.min(start, ...joined.map(([from]) => from)), Math.max(end, ...joined.map(([, to]) => to))];
    this.list = [...apart, whole].sort(([a], [b]) => a - b);
  }

  remove(start, end) {
    const cut = this.list.flatMap(([from, to]) => [[from, Math.min(to, start)], [Math.max(from, end), to]]);
    this.list = cut.filter(([from, to]) => to - from > GAP);
  }

  /// Where the range that holds `time` ends.
  endAt(time) {
    return this.list.find(([from, to]) => from - GAP <= time && time < to)?.[1];
  }

  toTimeRanges() {
    const list = this.list.map((range) => [...range]);
    return { length: list.length, start: (at) => list[at][0], end: (at) => list[at][1] };
  }
}

function later(target, ...names) {
  for (const name of names) queueMicrotask(() => target.dispatchEvent(new Event(name)));
}

class ShimBuffer extends EventTarget {
  mode = "segments";
  updating = false;
  timestampOffset = 0;
  appendWindowStart = 0;
  appendWindowEnd = Infinity;
  ranges = new Ranges();
  reader = new Reader();

  constructor(stats, begins, changed) {
    super();
    this.stats = stats;
    this.begins = begins;
    this.changed = changed;
  }

  get buffered() {
    return this.ranges.toTimeRanges();
  }

  appendBuffer(data) {
    const bytes = ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
    this.#update(() => this.#append(bytes.slice()));
  }

  remove(start, end) {
    this.#update(() => this.ranges.remove(start, end));
  }

  changeType() {}

  abort() {
    this.reader.abort();
    this.appendWindowStart = 0;
    this.appendWindowEnd = Infinity;
  }

  #append(bytes) {
    this.stats.bytes += bytes.length;
    for (const { start, end, samples } of this.reader.push(bytes)) {
      this.stats.samples += samples;
      this.stats.fragments += 1;
      const from = Math.max(start + this.timestampOffset, this.appendWindowStart);
      const to = Math.min(end + this.timestampOffset, this.appendWindowEnd);
      if (to > from) this.ranges.add(from, to);
    }
  }

  #update(work) {
    if (this.updating) throw new DOMException("an update is under way", "InvalidStateError");
    this.updating = true;
    this.begins();
    setTimeout(() => {
      this.dispatchEvent(new Event("updatestart"));
      let outcome = "update";
      try {
        work();
      } catch (error) {
        this.stats.errors.push(String(error));
        outcome = "error";
      }
      this.updating = false;
      this.dispatchEvent(new Event(outcome));
      this.dispatchEvent(new Event("updateend"));
      this.changed();
    });
  }
}

/// The media element's clock: goes on while there is data, waits while there is none.
class Clock {
  now = 0;
  paused = true;
  seeking = false;
  ended = false;
  rate = 1;
  state = 0;
  #last = performance.now();

  constructor(video, source) {
    this.video = video;
    this.source = source;
    setInterval(() => this.#tick(), TICK_MS);
  }

  get duration() {
    return this.state > 0 ? this.source.media?.duration ?? NaN : NaN;
  }

  seek(time) {
    this.now = Math.max(0, Math.min(time, Number.isFinite(this.duration) ? this.duration : time));
    this.seeking = true;
    this.ended = false;
    later(this.video, "seeking");
    setTimeout(() => this.update());
  }

  play() {
    if (this.paused) later(this.video, "play", ...(this.state > 2 ? ["playing"] : ["waiting"]));
    this.paused = false;
    return Promise.resolve();
  }

  pause() {
    if (!this.paused) later(this.video, "pause");
    this.paused = true;
  }

  /// Finds out what can be played, and tells.
  update() {
    const buffer = this.source.buffer;
    const before = this.state;
    this.state = buffer?.reader.hasMovie ? this.#ahead(buffer) : 0;
    const { video } = this;
    if (before < 1 && this.state >= 1) later(video, "durationchange", "loadedmetadata");
    if (before < 2 && this.state >= 2) later(video, "loadeddata");
    if (before < 3 && this.state >= 3) later(video, "canplay", ...(this.paused ? [] : ["playing"]));
    if (before < 4 && this.state >= 4) later(video, "canplaythrough");
    if (before > 2 && this.state < 3 && !this.ended) later(video, "waiting");
    if (this.seeking && this.state >= 2) {
      this.seeking = false;
      later(video, "seeked", "timeupdate");
    }
  }

  /// `readyState` by what lies ahead (HTML "ready states").
  #ahead(buffer) {
    if (this.now >= this.duration - GAP) return 4;
    const end = buffer.ranges.endAt(this.now);
    if (end === undefined) return 1;
    return end - this.now > 1 || end >= this.source.media.duration - GAP ? 4 : 3;
  }

  #tick() {
    const elapsed = (performance.now() - this.#last) / 1000;
    this.#last = performance.now();
    if (this.paused || this.seeking || this.ended || this.state < 3) return;
    const end = this.source.buffer.ranges.endAt(this.now) ?? this.now;
    this.now = Math.min(this.now + elapsed * this.rate, end);
    later(this.video, "timeupdate");
    if (this.now >= this.duration - GAP) {
      this.ended = true;
      this.paused = true;
      later(this.video, "ended");
    }
    this.update();
  }
}

function supports(type) {
  return CODEC.test(type ?? "");
}

function shimSource(source, stats) {
  const { isTypeSupported } = MediaSource;
  MediaSource.isTypeSupported = (type) => supports(type) || isTypeSupported.call(MediaSource, type);
  const { addSourceBuffer, removeSourceBuffer, endOfStream } = MediaSource.prototype;
  const ours = (media) => source.media === media && source.buffer;
  Object.assign(MediaSource.prototype, {
    addSourceBuffer(type) {
      if (!supports(type)) return addSourceBuffer.call(this, type);
      source.media = this;
      source.buffer = new ShimBuffer(stats, () => source.begin(), () => source.clock.update());
      stats.types.push(type);
      return source.buffer;
    },
    removeSourceBuffer(buffer) {
      if (buffer instanceof ShimBuffer) source.buffer = null;
      else removeSourceBuffer.call(this, buffer);
    },
    endOfStream(...why) {
      if (ours(this)) source.over = true;
      else endOfStream.apply(this, why);
    },
  });
  const readyState = Object.getOwnPropertyDescriptor(MediaSource.prototype, "readyState").get;
  Object.defineProperty(MediaSource.prototype, "readyState", {
    get() {
      const state = readyState.call(this);
      return ours(this) && source.over && state === "open" ? "ended" : state;
    },
  });
  for (const name of ["sourceBuffers", "activeSourceBuffers"]) {
    const { get } = Object.getOwnPropertyDescriptor(MediaSource.prototype, name);
    Object.defineProperty(MediaSource.prototype, name, {
      get() {
        return ours(this) ? Object.assign(new EventTarget(), [source.buffer], { length: 1 }) : get.call(this);
      },
    });
  }
}

function shimCapabilities() {
  const { mediaCapabilities } = navigator;
  const decodingInfo = mediaCapabilities.decodingInfo.bind(mediaCapabilities);
  const yes = { supported: true, smooth: true, powerEfficient: true, keySystemAccess: null };
  mediaCapabilities.decodingInfo = (asked) =>
    supports(asked.video?.contentType) ? Promise.resolve({ ...yes, configuration: asked }) : decodingInfo(asked);
}

function shimElement(video, source) {
  const clock = source.clock;
  const empty = new Ranges().toTimeRanges();
  const values = {
    buffered: () => source.buffer?.buffered ?? empty,
    duration: () => clock.duration,
    ended: () => clock.ended,
    paused: () => clock.paused,
    readyState: () => clock.state,
    seeking: () => clock.seeking,
  };
  for (const [name, get] of Object.entries(values)) Object.defineProperty(video, name, { get });
  Object.defineProperty(video, "currentTime", { get: () => clock.now, set: (time) => clock.seek(time) });
  Object.defineProperty(video, "playbackRate", {
    get: () => clock.rate,
    set: (rate) => {
      clock.rate = rate;
      later(video, "ratechange");
    },
  });
  video.play = () => clock.play();
  video.pause = () => clock.pause();
}

/// Puts the shim in place for the page's one video element. Returns what goes through it.
export function install(video) {
  const stats = { bytes: 0, fragments: 0, samples: 0, types: [], errors: [] };
  const source = { media: null, buffer: null, clock: null, over: false };
  source.begin = () => {
    if (source.over) later(source.media, "sourceopen");
    source.over = false;
  };
  source.clock = new Clock(video, source);
  shimSource(source, stats);
  shimCapabilities();
  shimElement(video, source);
  return stats;
}
