// <promptus-player src="…/master.m3u8" controls>: plays a title whose frames are generated in the browser.
//
// The element has the interface of HTMLMediaElement as far as it makes sense, owns the workers, and draws the
// newest frame that is due on a canvas. Decisions (rung, buffer, when to wait) are the session's; see session.js.

import { compile } from "./abi.js";
import { Controls } from "./controls.js";
import { Engine } from "./engine.js";
import { Frames } from "./frames.js";
import { Previews } from "./previews.js";
import { sheet } from "./style.js";
import { supported, workerCount } from "./workers.js";

export const HAVE_NOTHING = 0;
export const HAVE_METADATA = 1;
export const HAVE_CURRENT_DATA = 2;
export const HAVE_ENOUGH_DATA = 4;

/** Where the module is: beside this file, unless the attribute `module` names another place. */
const MODULE = new URL("./promptus.wasm", import.meta.url);
/** How often `timeupdate` comes while the title plays, in milliseconds. */
const TIMEUPDATE_MS = 250;
const RATES = [1 / 16, 16];
/** Frames whose generation time is averaged. */
const MEASURED = 48;
/** How long a notice of a slow machine stays, in milliseconds. */
const SLOW_MS = 8000;

let compiled = null;

/** The module, compiled once for all players of a page. */
function shared(url) {
  if (compiled?.url !== url) {
    compiled = { url, module: compile(url) };
    // Another attempt begins anew.
    compiled.module.catch(() => { compiled = null; });
  }
  return compiled.module;
}

export class PromptusPlayer extends HTMLElement {
  static observedAttributes = ["src", "controls", "poster"];

  #canvas = document.createElement("canvas");
  #context = this.#canvas.getContext("2d", { alpha: false });
  #poster = document.createElement("img");
  #notice = document.createElement("p");
  #controls = null;
  #engine = null;
  #frames = new Frames();
  #previews = new Previews();
  #state = null;
  #stateAt = 0;
  #loads = 0;
  #wanted = false;
  #seekTo = null;
  #frame = null;
  #error = null;
  #ready = HAVE_NOTHING;
  #rate = 1;
  #volume = 1;
  #muted = false;
  #rung = null;
  #rule = null;
  #trace = null;
  #shownRung = null;
  #leader = null;
  #following = null;
  #lastUpdate = 0;
  #tick = 0;
  #notices = {};
  #stats = fresh();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    const stage = document.createElement("div");
    stage.className = "stage";
    this.#poster.className = "poster";
    this.#poster.alt = "";
    this.#notice.className = "notice";
    this.#notice.setAttribute("role", "status");
    this.#canvas.setAttribute("role", "img");
    stage.append(this.#canvas, this.#poster, this.#notice);
    root.append(stage);
  }

  connectedCallback() {
    if (!this.hasAttribute("tabindex")) this.tabIndex = 0;
    this.#canvas.setAttribute("aria-label", this.getAttribute("aria-label") ?? "Video");
    document.addEventListener("visibilitychange", this.#run);
    this.#tick = requestAnimationFrame(this.#draw);
    if (this.controls && !this.#controls) this.#showControls(true);
    if (this.src && !this.#engine) this.load();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#run);
    cancelAnimationFrame(this.#tick);
    this.#showControls(false);
    this.#stop();
    this.#following?.abort();
  }

  attributeChangedCallback(name, before, value) {
    if (name === "poster") this.#poster.src = value ?? "";
    else if (name === "controls") this.#showControls(value !== null);
    else if (before !== value && this.isConnected) this.load();
  }

  get src() { return this.getAttribute("src") ?? ""; }
  set src(value) { this.setAttribute("src", value); }
  get poster() { return this.getAttribute("poster") ?? ""; }
  set poster(value) { this.setAttribute("poster", value); }
  get controls() { return this.hasAttribute("controls"); }
  set controls(value) { this.toggleAttribute("controls", Boolean(value)); }
  get autoplay() { return this.hasAttribute("autoplay"); }
  set autoplay(value) { this.toggleAttribute("autoplay", Boolean(value)); }
  get loop() { return this.hasAttribute("loop"); }
  set loop(value) { this.toggleAttribute("loop", Boolean(value)); }

  get duration() { return this.#state?.duration_s || Number.NaN; }
  get paused() { return !this.#wanted; }
  get ended() { return Boolean(this.#state?.ended) && this.#seekTo === null; }
  get seeking() { return this.#seekTo !== null; }
  get readyState() { return this.#ready; }
  get error() { return this.#error; }
  get videoWidth() { return this.#frame?.width ?? this.#state?.rungs?.[0]?.width ?? 0; }
  get videoHeight() { return this.#frame?.height ?? this.#state?.rungs?.[0]?.height ?? 0; }

  get currentTime() {
    if (this.#seekTo !== null) return this.#seekTo;
    return this.#state ? this.#position() : Number(this.getAttribute("start") ?? 0);
  }

  set currentTime(value) {
    const to = Math.min(Math.max(0, Number(value) || 0), this.#state?.duration_s || Infinity);
    if (!this.#engine) return this.setAttribute("start", String(to));
    this.#seekTo = to;
    this.#free(this.#frames.clear());
    this.#engine.seek(to);
    this.#emit("seeking");
    return undefined;
  }

  get playbackRate() { return this.#rate; }
  set playbackRate(value) {
    this.#rate = Math.min(Math.max(Number(value) || 1, RATES[0]), RATES[1]);
    this.#tell({ rate: this.#rate });
    this.#emit("ratechange");
  }

  get volume() { return this.#volume; }
  set volume(value) {
    this.#volume = Math.min(Math.max(Number(value) || 0, 0), 1);
    this.#emit("volumechange");
  }

  get muted() { return this.#muted; }
  set muted(value) {
    this.#muted = Boolean(value);
    this.#emit("volumechange");
  }

  /** What can be played without waiting for the network, as TimeRanges. */
  get buffered() {
    const ranges = this.#state?.buffered ?? [];
    return { length: ranges.length, start: (at) => ranges[at][0], end: (at) => ranges[at][1] };
  }

  /** The rungs by ascending rate: { kbps, width, height, rank }. */
  get rungs() { return this.#state?.rungs ?? []; }

  /** The fixed rung, counted from 0, the lowest; null lets the rule choose. */
  get rung() { return this.#rung; }
  set rung(value) {
    this.#rung = value === null || value === "auto" ? null : Number(value);
    // Without a fixed rung the chosen rule is in force again.
    this.#tell(this.#rung === null ? { rule: this.rule } : { rung: this.#rung });
    this.#emit("rungselect");
    // What is buffered is of other rungs; a seek fetches it anew.
    if (this.#rung !== null && this.#state && !this.ended) this.currentTime = this.currentTime;
  }

  /** The adaptation rule, by its name: `dynamic`, `bola-e`, `throughput`, … */
  get rule() { return this.#rule ?? this.getAttribute("rule") ?? "dynamic"; }
  set rule(value) {
    this.#rule = String(value);
    this.#rung = null;
    this.#tell({ rule: this.#rule });
    this.#emit("rulechange");
    this.#emit("rungselect");
  }

  /** Rows of a network trace that slows all further transfers down; null for the line as it is. */
  get trace() { return this.#trace; }
  set trace(rows) {
    this.#trace = rows;
    this.#engine?.shape(rows);
  }

  /** A player whose position this one follows, in place of a clock of its own; null for none. */
  get leader() { return this.#leader; }
  set leader(player) {
    this.#following?.abort();
    this.#following = player ? new AbortController() : null;
    this.#leader = player;
    if (!player) return;
    const on = (type, act) => player.addEventListener(type, act, { signal: this.#following.signal });
    on("seeking", () => { this.currentTime = player.currentTime; });
    on("timeupdate", () => this.#tell({ playhead: player.currentTime }));
  }

  get stats() {
    const state = this.#state;
    const position = this.currentTime;
    const end = state?.buffered?.find(([from, to]) => from <= position + 0.05 && to > position)?.[1] ?? position;
    const { framesShown, framesDropped, bytes, took } = this.#stats;
    return {
      framesShown,
      framesDropped,
      bytes,
      rung: this.#frame?.rung ?? state?.rung ?? null,
      bufferSeconds: end - position,
      throughputKbps: state?.throughput_kbps ?? null,
      generateMsPerFrame: took.length ? took.reduce((sum, ms) => sum + ms, 0) / took.length : null,
      framesAhead: this.#frames.size,
      rule: this.rule,
      weights: state?.weights?.sha256 ?? null,
      profile: state?.profile ?? null,
      waiting: Boolean(state?.waiting),
    };
  }

  /** Index, time, rung and kind of the frame on the canvas. */
  get shownFrame() {
    if (!this.#frame) return null;
    const { index, segment, time_s, rung, keyframe } = this.#frame;
    return { index, segment, time_s, rung, keyframe };
  }

  get canvas() { return this.#canvas; }

  /** A small picture of the title at this time, in seconds; null until it is made (`previewchange`). */
  preview(time_s) {
    if (this.#previews.asks(time_s)) this.#engine?.preview(time_s);
    return this.#previews.at(time_s);
  }

  async play() {
    if (!this.#engine && this.src) this.load();
    if (this.ended) this.currentTime = 0;
    this.#wanted = true;
    this.#run();
    this.#emit("play");
  }

  pause() {
    if (!this.#wanted) return;
    this.#wanted = false;
    this.#run();
    this.#emit("pause");
  }

  /** Shows the frame before or after the current one. */
  step(frames) {
    this.pause();
    const rate = this.#frames.frameSeconds || 1 / 24;
    this.currentTime = this.currentTime + frames * rate;
  }

  /** The session's report, as `promptus play --json` prints it. */
  report() {
    return this.#engine ? this.#engine.report() : Promise.resolve(null);
  }

  /** Forgets the title and begins with `src` anew. */
  load() {
    this.#stop();
    const problem = supported();
    if (problem) return this.#fail(problem);
    this.#ready = HAVE_NOTHING;
    this.#error = null;
    this.#emit("loadstart");
    const module = shared(new URL(this.getAttribute("module") ?? MODULE, document.baseURI).href);
    const began = this.#loads += 1;
    module.then((ready) => {
      if (began === this.#loads && this.isConnected) this.#open(ready);
    }, (error) => {
      if (began === this.#loads && this.isConnected) this.#fail(error.message);
    });
    if (this.autoplay) this.#wanted = true;
    return undefined;
  }

  #open(module) {
    const options = {
      url: new URL(this.src, document.baseURI).href,
      start_s: Number(this.getAttribute("start") ?? 0),
      ...(this.#rung === null ? { rule: this.rule } : { rung: this.#rung }),
      cmcd: { mode: this.getAttribute("cmcd") ?? "header", session: uuid() },
      ...(this.hasAttribute("buffer") ? { buffer_s: Number(this.getAttribute("buffer")) } : {}),
    };
    this.classList.remove("failed");
    // Reached as a seek target is, as its segment is generated from the segment's start.
    this.#seekTo = options.start_s > 0 ? options.start_s : null;
    const generators = workerCount(Number(this.getAttribute("workers")));
    this.#engine = new Engine(module, { options, generators, trace: this.#trace }, {
      state: (data) => this.#update(data),
      frame: (frame) => this.#made(frame),
      preview: (frame) => void this.#previews.add(frame).then(() => this.#emit("previewchange")),
      weights: (loaded) => this.#progress(loaded),
      line: (change) => this.#line(change),
      failed: (text) => this.#fail(text),
    });
    if (this.#rate !== 1) this.#tell({ rate: this.#rate });
    if (this.#leader) this.#tell({ playhead: this.#leader.currentTime });
    this.#run();
  }

  #stop() {
    this.#engine?.stop();
    this.#engine = null;
    this.#frames = new Frames();
    this.#previews = new Previews();
    this.#state = null;
    this.#frame = null;
    this.#seekTo = null;
    this.#stats = fresh();
    this.#notices = {};
    this.#notify();
  }

  #tell(event) {
    this.#engine?.tell(event);
  }

  #line({ line, host }) {
    const texts = {
      offline: `No connection to ${host}; playback goes on when it is back.`,
      busy: `${host} is busy; playback goes on when it answers.`,
    };
    this.#notify({ line: texts[line] });
  }

  #progress({ received, total }) {
    if (this.#ready >= HAVE_CURRENT_DATA) return;
    const mb = (count) => (count / 1e6).toFixed(1);
    const of = total > 0 ? ` of ${mb(total)}` : "";
    this.#notify({ loading: received === total ? "" : `Loading the generator: ${mb(received)}${of} MB, once` });
    this.#emit("progress");
  }

  #update({ state, at, bytes }) {
    const before = this.#state;
    this.#state = state;
    this.#stateAt = at;
    this.#stats.bytes = bytes;
    if (this.#ready === HAVE_NOTHING && state.duration_s > 0) {
      this.#ready = HAVE_METADATA;
      const { width, height } = state.rungs[0] ?? {};
      if (width) this.style.setProperty("--ratio", `${width} / ${height}`);
      this.#emit("loadedmetadata");
      this.#emit("durationchange");
    }
    const running = state.position_s > 0 || this.#stats.framesShown > 0;
    if (state.waiting && !before?.waiting && this.#wanted) this.#emit("waiting");
    const plays = (one) => one && !one.waiting && !one.paused && !one.ended;
    if (plays(state) && !plays(before) && running) this.#emit("playing");
    if (state.rung !== before?.rung || state.rungs.length !== before?.rungs?.length) this.#emit("rungstate");
    if (state.ended && !before?.ended) this.#finish();
    this.classList.toggle("waiting", state.waiting && this.#wanted && this.#ready > HAVE_NOTHING);
    this.#controls?.update();
  }

  /** Says once that frames are left out because the generators are too slow for the title. */
  #slowed() {
    const { took, covered, slow } = this.#stats;
    if (slow || (took.length < MEASURED && covered < 2 * MEASURED)) return;
    const made = (1000 * this.#engine.generators) / this.stats.generateMsPerFrame;
    const { fps, rate } = this.#state;
    if (made >= fps * rate) return;
    this.#stats.slow = true;
    this.#notify({ slow: `This machine generates ${made.toFixed(0)} of ${(fps * rate).toFixed(0)} frames a second; the others are left out.` });
    setTimeout(() => this.#notify({ slow: "" }), SLOW_MS);
  }

  #finish() {
    if (this.loop) {
      this.currentTime = 0;
      this.#run();
      return;
    }
    this.#wanted = false;
    this.#emit("timeupdate");
    this.#emit("pause");
    this.#emit("ended");
  }

  /** Position in media time now: that of the last state, and on from there while the title plays. */
  #position() {
    if (this.#leader) return this.#leader.currentTime;
    const { position_s, paused, waiting, ended, rate, buffered } = this.#state;
    if (paused || waiting || ended) return position_s;
    const since = (performance.timeOrigin + performance.now() - this.#stateAt) / 1000;
    return Math.min(position_s + Math.max(0, since) * (rate || 1), buffered[0]?.[1] ?? position_s);
  }

  #made(frame) {
    this.#stats.took.push(frame.took_ms);
    if (this.#stats.took.length > MEASURED) this.#stats.took.shift();
    this.#stats.framesDropped += frame.skipped;
    this.#stats.covered += 1 + frame.skipped;
    if (frame.skipped > 0) this.#slowed();
    this.#free(this.#frames.add(frame));
  }

  #free(frames) {
    this.#engine?.free(frames);
  }

  #draw = () => {
    this.#tick = requestAnimationFrame(this.#draw);
    if (!this.#state) return;
    const { due, passed } = this.#seekTo === null
      ? this.#frames.take(this.#position())
      : this.#frames.reach(Math.min(this.#seekTo, this.#state.duration_s - this.#frames.frameSeconds));
    if (this.#seekTo === null) this.#stats.framesDropped += passed.length;
    this.#free(passed);
    // A generator that is late may bring a frame after those of the next segment.
    if (due && (this.#seekTo !== null || !(due.time_s < this.#frame?.time_s))) this.#show(due);
    else if (due) this.#free([due]);
    const now = performance.now();
    if (!this.paused && this.#seekTo === null && now - this.#lastUpdate > TIMEUPDATE_MS) {
      this.#lastUpdate = now;
      this.#emit("timeupdate");
    }
    this.#controls?.tick();
  };

  #show(frame) {
    const { width, height, buffer } = frame;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      Object.assign(this.#canvas, { width, height });
      this.style.setProperty("--ratio", `${width} / ${height}`);
    }
    this.#context.putImageData(new ImageData(new Uint8ClampedArray(buffer), width, height), 0, 0);
    this.#frame = { ...frame, buffer: null };
    this.#stats.framesShown += 1;
    this.#free([frame]);
    if (this.#ready < HAVE_CURRENT_DATA) {
      this.#ready = HAVE_ENOUGH_DATA;
      this.classList.add("shows");
      this.#notify({ loading: "" });
      this.#emit("loadeddata");
      this.#emit("canplay");
    }
    if (this.#shownRung !== frame.rung) {
      this.#shownRung = frame.rung;
      this.#emit("rungchange", { rung: frame.rung });
    }
    if (this.#seekTo !== null) {
      this.#seekTo = null;
      this.#emit("seeked");
      this.#emit("timeupdate");
    }
    this.#emit("framechange");
  }

  /** Plays or pauses, as the viewer wants. A hidden page draws nothing, so it plays nothing either. */
  #run = () => {
    if (!this.#leader) this.#tell(this.#wanted && !document.hidden ? { play: {} } : { pause: {} });
  };

  #showControls(wanted) {
    this.#controls?.remove();
    this.#controls = wanted ? new Controls(this, this.shadowRoot) : null;
  }

  /** Changes what is said over the picture: what matters most, if there is more. */
  #notify(changes = {}) {
    const { failure, line, slow, loading } = Object.assign(this.#notices, changes);
    const text = failure || line || slow || loading || "";
    if (this.#notice.textContent !== text) this.#notice.textContent = text;
  }

  /** Ends the playback; the picture stays. */
  #fail(message) {
    const position_s = this.currentTime;
    this.#error = { code: 4, message };
    this.#engine?.stop();
    this.#engine = null;
    this.#frames.clear();
    this.#seekTo = null;
    if (this.#state) this.#state = { ...this.#state, position_s, paused: true, waiting: false };
    this.#wanted = false;
    this.classList.remove("waiting");
    this.#notify({ failure: message });
    this.classList.add("failed");
    this.#emit("error");
    this.#controls?.update();
  }

  #emit(type, detail) {
    this.dispatchEvent(detail === undefined ? new Event(type) : new CustomEvent(type, { detail }));
    this.#controls?.heard(type);
  }
}

/** The figures of a playback that has not begun. */
function fresh() {
  return { framesShown: 0, framesDropped: 0, bytes: 0, took: [], covered: 0, slow: false };
}

/** A random UUID (RFC 9562 §5.4); `crypto.randomUUID` is absent on plain http. */
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

if (!customElements.get("promptus-player")) customElements.define("promptus-player", PromptusPlayer);
