// Shows titles of Promptus in a media element whose player is hls.js, dash.js or Shaka Player: these fetch and
// adapt, this generates the pictures of what they buffer, just ahead of the element's clock.
//
//   import { attach } from "./adapter.js";
//   const adapter = attach(video);            // before the player is made
//
// The element plays a black film of the same length (carrier.js), so its clock, controls, events and buffered
// ranges are the browser's own. The clock is held when frames are late.

import { compile } from "./abi.js";
import { Clock } from "./clock.js";
import { EARLY_S, Frames } from "./frames.js";
import { Overlay } from "./overlay.js";
import { Pool } from "./pool.js";
import { GAP_S, Samples } from "./samples.js";
import { adapters, carries, install } from "./sources.js";
import { supported } from "./workers.js";

const MODULE = new URL("./promptus.wasm", import.meta.url);
/** How late a frame may be before the clock is held, in seconds. */
const LATE_S = 0.25;
/** Frames that must wait to be shown before it goes on. */
const READY = 12;
/** Frames whose generation time is averaged. */
const MEASURED = 48;

let module = null;

/** The module, compiled once for all adapters of a page. */
function compiled() {
  module ??= compile(MODULE).catch((error) => {
    module = null;
    throw error;
  });
  return module;
}

/** Where `promptus serve` has the weights, if it has this file. */
function served(sha256) {
  const [root, name] = import.meta.url.split("/_player/");
  if (!name) throw new Error("attach needs the option `weights`, as this file does not come from an origin");
  return `${root}/weights/${sha256}.safetensors`;
}

async function fetched(address, sha256) {
  const url = await address(sha256);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the generator's weights are not at ${url}: ${response.status}`);
  return { bytes: new Uint8Array(await response.arrayBuffer()), url, sha256 };
}

/**
 * Shows our codec in `video`. `weights` returns the address of the generator's weights from their SHA-256.
 * Throws if the browser lacks what is needed.
 */
export function attach(video, { weights = served } = {}) {
  const problem = supported() || (carries() ? "" : "This browser decodes no H.264, which carries the clock.");
  if (problem) throw new Error(problem);
  install();
  adapters.get(video)?.detach();
  const adapter = new Adapter(video, weights);
  adapters.set(video, adapter);
  return adapter;
}

export class Adapter extends EventTarget {
  #video;
  #address;
  #overlay;
  #clock;
  #intake = null;
  #samples = new Samples();
  #pool = null;
  #weights = null;
  #frames = new Frames();
  #given = new Set();
  #frame = null;
  /** Time of the newest frame that is shown or left out: of those before none is there any more. */
  #taken = -Infinity;
  /** Whether the frame on the canvas is not that of the element's time, after a seek or a loss of frames. */
  #reaching = true;
  #error = null;
  #took = [];
  #stats = { framesShown: 0, framesDropped: 0, bytes: 0 };
  #tick = 0;
  #listening = new AbortController();

  constructor(video, address) {
    super();
    this.#video = video;
    this.#address = address;
    this.#overlay = new Overlay(video);
    const { signal } = this.#listening;
    this.#clock = new Clock(video, signal);
    video.addEventListener("seeking", () => this.#sought(), { signal });
    video.addEventListener("emptied", () => this.take(null), { signal });
    this.#tick = requestAnimationFrame(this.#run);
  }

  get canvas() { return this.#overlay.canvas; }
  get error() { return this.#error; }

  /** Media time, number of the rung in the order of first use, and kind of the frame on the canvas. */
  get shownFrame() {
    if (!this.#frame) return null;
    const { time_s, rung, keyframe } = this.#frame;
    return { time_s, rung, keyframe };
  }

  get stats() {
    const took = this.#took;
    return {
      ...this.#stats,
      framesAhead: this.#frames.size,
      fragments: this.#samples.size,
      generateMsPerFrame: took.length ? took.reduce((sum, ms) => sum + ms, 0) / took.length : null,
      weights: this.#weights,
      waiting: this.#clock.held,
    };
  }

  /** Gives the element its own picture back and ends the workers. */
  detach() {
    cancelAnimationFrame(this.#tick);
    this.#clock.release();
    this.#listening.abort();
    this.#pool?.end();
    this.#overlay.remove();
    if (adapters.get(this.#video) === this) adapters.delete(this.#video);
  }

  /** A source buffer of ours begins, or none is there any more. For sources.js, as what follows. */
  take(intake) {
    this.#intake = intake;
    this.#samples = new Samples();
    this.#restart();
    if (this.#error) this.#poolOf(null);
    this.#error = null;
    this.#frame = null;
    this.#clock.release();
    this.#overlay.remove();
  }

  received(bytes) {
    this.#stats.bytes += bytes;
  }

  /** The source buffer holds these fragments more, and no others outside of `ranges`. */
  changed(intake, arrived, ranges) {
    if (intake !== this.#intake) return;
    const touched = arrived.flatMap((fragment) => this.#samples.add(fragment));
    const lost = [...touched, ...this.#samples.prune(ranges)].filter((fragment) => this.#given.delete(fragment));
    const ahead = lost.filter(({ to }) => to > this.#video.currentTime);
    if (ahead.length) this.#restart(Math.min(...ahead.map(({ from }) => from)));
  }

  fail(error) {
    if (this.#error) return;
    this.#error = error;
    this.#clock.release();
    this.#intake?.fail();
    this.dispatchEvent(new CustomEvent("error", { detail: error }));
  }

  #run = () => {
    this.#tick = requestAnimationFrame(this.#run);
    this.#overlay.follow();
    if (!this.#intake || this.#error) return;
    const { currentTime, duration } = this.#video;
    const now = Math.min(currentTime, (duration || Infinity) - GAP_S);
    const current = this.#feed(now);
    this.#draw(now, current);
    this.#pace(now, current);
  };

  /** Has generated what is shown next. Returns the fragment of this time, if it is here. */
  #feed(now) {
    const ahead = this.#samples.ahead(now + EARLY_S);
    const [current] = ahead;
    // The clock went on without pictures: in a hidden page, or after a seek.
    if (current && this.#given.size > 0 && !this.#given.has(current)) this.#restart();
    for (const fragment of ahead.filter((each) => !this.#given.has(each))) {
      const pool = this.#poolOf(fragment.track.weights);
      if (!pool.room) break;
      pool.give(fragment);
      this.#given.add(fragment);
    }
    return current;
  }

  /** The workers with these weights; others are ended. */
  #poolOf(sha256) {
    if (this.#weights === sha256) return this.#pool;
    this.#pool?.end();
    this.#weights = sha256;
    this.#pool = sha256 === null ? null : new Pool({
      module: compiled(),
      weights: fetched(this.#address, sha256),
      made: (frame) => this.#made(frame),
      failed: (error) => this.fail(error),
    });
    return this.#pool;
  }

  #made(frame) {
    this.#took.push(frame.took_ms);
    if (this.#took.length > MEASURED) this.#took.shift();
    // After a restart those come again that were shown.
    this.#pool.free(frame.time_s <= this.#taken ? [frame] : this.#frames.add(frame));
  }

  #draw(now, current) {
    // There may be no frame of that very time, at the edge of a fragment that was cut.
    if (current && this.#pool.idle) this.#reaching = false;
    const { due, passed } = this.#reaching ? this.#frames.reach(now) : this.#frames.take(now);
    if (!this.#reaching) this.#stats.framesDropped += passed.length;
    this.#pool?.free(passed);
    this.#taken = (due ?? passed.at(-1))?.time_s ?? this.#taken;
    if (!due) return;
    this.#overlay.show(due);
    this.#frame = { ...due, buffer: null };
    this.#reaching = false;
    this.#stats.framesShown += 1;
    this.#pool.free([due]);
    this.dispatchEvent(new Event("framechange"));
  }

  /** Holds the element's clock while frames are late. */
  #pace(now, current) {
    const { paused, seeking, ended, readyState } = this.#video;
    if (this.#clock.held) {
      const ready = !this.#reaching && (this.#frames.size >= READY || this.#pool.idle);
      if (ready || paused || ended) this.#clock.release();
      return;
    }
    const until = this.#frame ? this.#frame.time_s + this.#frames.frameSeconds : now;
    const late = this.#reaching || now > until + LATE_S;
    const plays = !paused && !seeking && !ended && readyState > 2;
    if (plays && late && current) this.#clock.hold();
  }

  #sought() {
    const time_s = this.#video.currentTime + EARLY_S;
    const shown = this.#frame?.time_s ?? Infinity;
    if (time_s < this.#taken) this.#restart();
    else if (time_s < shown || time_s >= shown + this.#frames.frameSeconds) this.#reaching = true;
  }

  /** Generates anew from the fragment of the element's time on; frames before `from` stay. */
  #restart(from = -Infinity) {
    this.#given.clear();
    this.#pool?.drop();
    this.#pool?.free(this.#frames.clear(from));
    if (from > this.#video.currentTime) return;
    this.#reaching = true;
    this.#taken = -Infinity;
  }
}
