// The control bar: buttons, seek bar and menus over the picture, the keys, statistics and help.
//
// It knows the player by its public interface alone. Menus are native, so that phones show their own.

import { KEYS, handle } from "./keys.js";
import { button, make, time } from "./markup.js";

const SPEEDS = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];
/** How long the bar stays without a movement while the title plays, in milliseconds. */
const IDLE_MS = 3000;
/** Shortest pause between two seeks while the handle is dragged, in milliseconds. */
const DRAG_MS = 150;
const TOAST_MS = 1600;
const STEPS = 1000;

export class Controls {
  #player;
  #listening = new AbortController();
  #seek = make("input", { type: "range", min: 0, max: STEPS, value: 0, step: 1, ariaLabel: "Position" });
  #tip = make("div", { className: "tip", hidden: true });
  #preview = make("canvas", { hidden: true, width: 1, height: 1 });
  #moment = make("span", {});
  #hovered = null;
  #time = make("span", { className: "time" });
  #rung = make("select", { ariaLabel: "Rung" });
  #speed = make("select", { ariaLabel: "Speed" });
  #play = button("play", "Play (k)", () => this.toggle());
  #full = button("full", "Full screen (f)", () => this.fullscreen());
  #big = button("play", "Play", () => this.toggle());
  #stats = make("aside", { className: "panel", hidden: true, ariaLabel: "Statistics" });
  #help = make("dialog", { className: "panel help", ariaLabel: "Keys" });
  #toast = make("p", { className: "toast", role: "status" });
  #parts = [];
  #idle = 0;
  #fade = 0;
  #dragged = null;
  #drag = 0;
  #shown = 0;

  constructor(player, root) {
    this.#player = player;
    this.#big.classList.add("big");
    // The bar has the same button in the order of focus.
    this.#big.tabIndex = -1;
    this.#big.setAttribute("aria-hidden", "true");
    this.#tip.append(this.#preview, this.#moment);
    const seek = make("div", { className: "seek" }, this.#seek, this.#tip);
    const statistics = button(null, "Statistics (i)", () => this.statistics(), "i");
    const help = button(null, "Keys (?)", () => this.help(), "?");
    for (const one of [statistics, help]) one.classList.add("wide");
    const row = make("div", { className: "row" }, this.#play, this.#time, make("span", { className: "space" }),
      this.#rung, this.#speed, statistics, help, this.#full);
    const bar = make("div", { className: "bar", role: "group", ariaLabel: "Playback controls" }, seek, row);
    this.#speed.append(...SPEEDS.map((speed) => new Option(`${speed}×`, speed, speed === 1, speed === 1)));
    this.#help.append(helpList(), button(null, "Close", () => this.help(), "Close"));
    this.#parts = [this.#big, this.#stats, this.#help, this.#toast, bar];
    root.append(...this.#parts);
    this.#listen(root);
    this.rungs();
    this.update();
  }

  remove() {
    this.#listening.abort();
    for (const part of this.#parts) part.remove();
  }

  #listen(root) {
    const on = (target, type, act) => target.addEventListener(type, act, { signal: this.#listening.signal });
    on(this.#player, "keydown", (event) => handle(event, this.#player, this));
    on(this.#player, "pointermove", () => this.#awake());
    on(this.#player, "focusin", () => this.#awake());
    on(root.querySelector(".stage"), "click", (event) => this.#touched(event));
    on(root.querySelector(".stage"), "dblclick", () => this.fullscreen());
    on(this.#seek, "input", () => this.#dragging());
    on(this.#seek, "change", () => this.#dropped());
    on(this.#seek, "pointermove", (event) => this.#hover(event));
    on(this.#seek, "pointerleave", () => this.#point(null));
    on(this.#rung, "change", () => { this.#player.rung = this.#rung.value === "auto" ? null : Number(this.#rung.value); });
    on(this.#speed, "change", () => { this.#player.playbackRate = Number(this.#speed.value); });
    on(document, "fullscreenchange", () => this.update());
  }

  /** A touch shows the bar first; a click of a mouse plays and pauses. */
  #touched(event) {
    const hidden = this.#player.classList.contains("idle");
    this.#awake();
    if (event.pointerType === "touch" && hidden) return;
    this.toggle();
  }

  toggle() {
    if (this.#player.paused) void this.#player.play();
    else this.#player.pause();
  }

  fullscreen() {
    if (document.fullscreenElement) void document.exitFullscreen();
    else this.#player.requestFullscreen?.().catch(() => this.say("Full screen is not allowed here"));
  }

  statistics() {
    this.#stats.hidden = !this.#stats.hidden;
    this.#shown = 0;
  }

  help() {
    if (this.#help.open) {
      this.#help.close();
      this.#player.focus();
    } else this.#help.show();
  }

  /** Closes what lies over the picture; false if nothing did. */
  escape() {
    const open = this.#help.open || !this.#stats.hidden;
    if (this.#help.open) this.help();
    this.#stats.hidden = true;
    return open;
  }

  say(text) {
    this.#toast.textContent = text;
    clearTimeout(this.#fade);
    this.#fade = setTimeout(() => { this.#toast.textContent = ""; }, TOAST_MS);
  }

  heard(type) {
    if (type === "previewchange" && this.#hovered !== null) this.#point(this.#hovered);
    if (type === "rungstate" || type === "rungselect" || type === "rungchange") this.rungs();
    if (type === "ratechange") this.#speed.value = String(this.#player.playbackRate);
    if (["play", "pause", "ended", "seeking", "seeked", "loadedmetadata"].includes(type)) this.update();
  }

  /** The menu of rungs: their rate and rank tell more than their size, which is often the same. */
  rungs() {
    const { rungs, rung } = this.#player;
    const playing = this.#player.stats.rung;
    const auto = rung === null && rungs[playing] ? `Auto (${Math.round(rungs[playing].kbps)} kbit/s)` : "Auto";
    const options = rungs.map((one, at) => new Option(label(one), at));
    this.#rung.replaceChildren(new Option(auto, "auto"), ...options.reverse());
    this.#rung.value = rung === null ? "auto" : String(rung);
  }

  update() {
    const { paused } = this.#player;
    this.#player.classList.toggle("playing", !paused);
    this.#play.show(paused ? "play" : "pause", paused ? "Play (k)" : "Pause (k)");
    this.#full.show(document.fullscreenElement ? "small" : "full", "Full screen (f)");
    this.#awake();
  }

  /** Once a frame of the display. */
  tick() {
    const now = performance.now();
    if (now - this.#shown < 200) return;
    this.#shown = now;
    const { currentTime, duration, buffered } = this.#player;
    const known = duration > 0;
    const at = this.#dragged ?? currentTime;
    if (this.#dragged === null && known) this.#seek.value = String(Math.round((at / duration) * STEPS));
    this.#time.textContent = known ? `${time(at)} / ${time(duration)}` : "";
    this.#seek.disabled = !known;
    this.#seek.setAttribute("aria-valuetext", known ? `${time(at)} of ${time(duration)}` : "");
    this.#seek.style.setProperty("--track", track(known ? at / duration : 0, buffered, duration));
    if (!this.#stats.hidden) this.#stats.replaceChildren(statistics(this.#player));
  }

  #awake() {
    this.#player.classList.remove("idle");
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#player.classList.add("idle"), IDLE_MS);
  }

  #dragging() {
    this.#dragged = (this.#seek.value / STEPS) * this.#player.duration;
    this.#point(this.#seek.value / STEPS);
    if (performance.now() - this.#drag < DRAG_MS) return;
    this.#drag = performance.now();
    this.#player.currentTime = this.#dragged;
  }

  #dropped() {
    if (this.#dragged !== null) this.#player.currentTime = this.#dragged;
    this.#dragged = null;
    this.#point(null);
  }

  #hover(event) {
    const { left, width } = this.#seek.getBoundingClientRect();
    this.#point(Math.min(Math.max((event.clientX - left) / width, 0), 1));
  }

  /** Shows the time and a preview of this share of the title; null for none. */
  #point(share) {
    const { duration } = this.#player;
    this.#hovered = duration > 0 ? share : null;
    this.#tip.hidden = this.#hovered === null;
    if (this.#tip.hidden) return;
    this.#moment.textContent = time(share * duration);
    this.#tip.style.setProperty("--at", `${share * 100}%`);
    const picture = this.#player.preview(share * duration);
    this.#preview.hidden = picture === null;
    if (!picture) return;
    Object.assign(this.#preview, { width: picture.width, height: picture.height });
    this.#preview.getContext("2d").drawImage(picture, 0, 0);
  }
}

function label({ kbps, rank }) {
  return `${kbps < 10 ? kbps.toFixed(1) : Math.round(kbps)} kbit/s, rank ${rank}`;
}

/** The background of the seek bar: what was played, what is buffered. */
function track(played, buffered, duration) {
  const parts = ["var(--accent) 0", `var(--accent) ${played * 100}%`];
  for (let at = 0; at < buffered.length; at += 1) {
    const [from, to] = [buffered.start(at), buffered.end(at)].map((edge) => (edge / duration) * 100);
    if (to <= played * 100) continue;
    const begin = Math.max(from, played * 100);
    parts.push(`rgb(255 255 255 / 0.25) 0 ${begin}%`, `rgb(255 255 255 / 0.6) 0 ${to}%`);
  }
  return `linear-gradient(to right, ${parts.join(", ")}, rgb(255 255 255 / 0.25) 0)`;
}

function definitions(rows) {
  return make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
}

function statistics(player) {
  const { framesShown, framesDropped, rung, bufferSeconds, throughputKbps, generateMsPerFrame, bytes, framesAhead, weights } = player.stats;
  const number = (value, digits, unit) => (value === null ? "–" : `${value.toFixed(digits)} ${unit}`);
  return definitions([
    ["rung", rung === null || !player.rungs[rung] ? "–" : label(player.rungs[rung])],
    ["rule", player.rung === null ? player.rule : "fixed"],
    ["picture", `${player.videoWidth} × ${player.videoHeight}`],
    ["frames shown / dropped", `${framesShown} / ${framesDropped}`],
    ["frames ahead", String(framesAhead)],
    ["generation", number(generateMsPerFrame, 1, "ms a frame")],
    ["buffer", number(bufferSeconds, 1, "s")],
    ["throughput", number(throughputKbps, 0, "kbit/s")],
    ["fetched", `${(bytes / 1000).toFixed(0)} kB`],
    ["weights", weights ? `${weights.slice(0, 12)}…` : "–"],
  ]);
}

function helpList() {
  return definitions(KEYS.map(([keys, meaning]) => [keys, meaning]));
}
