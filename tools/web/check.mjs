// node tools/web/check.mjs [MODULE]: plays the shipped title through the module in node (session and
// renderer) at its top rung, compares every frame with `promptus play`, and prints times.
// PROMPTUS names the native program (default target/release/promptus).
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Promptus } from "./module.mjs";
import { readPng } from "../browsers/driver/png.mjs";

const FOLDER = "manifests/demo";
const TITLE = "http://host/demo";
const RUNG = 3;
const MOST = 2; // difference of a byte
const file = process.argv[2] ?? "static/player/promptus.wasm.br";
const program = process.env.PROMPTUS ?? "target/release/promptus";

// The segments that the session hands out, on a clock that jumps: nothing is waited for.
function* segments(promptus) {
  const options = { url: `${TITLE}/master.m3u8`, rung: RUNG };
  const { id } = promptus.call("session_new", JSON.stringify(options));
  let now = 0;
  const tell = (input, body = new Uint8Array()) =>
    promptus.call("session_input", id, now, JSON.stringify(input), body);
  for (;;) {
    const action = promptus.call("session_poll", id, now);
    if (action.do === "end") break;
    if (action.do === "wait") now = Math.max(now + 0.001, action.until_s ?? now + 0.25);
    if (action.do === "fetch") {
      const whole = readFileSync(FOLDER + action.url.slice(TITLE.length));
      const body = action.range ? whole.subarray(action.range[0], action.range[1] + 1) : whole;
      now += 0.01;
      if (action.purpose === "media") tell({ first_byte: action.id });
      tell({ delivered: action.id, wire_bytes: body.length }, body);
    }
    if (action.do === "decode") {
      const init = promptus.bytes("session_init", id, action.rung);
      const frames = yield { init, media: promptus.bytes("session_segment", id) };
      tell({ rendered: { segment: action.segment, frames, complete: true, frame_s: 0.01 } });
    }
  }
  console.log(`session: ${JSON.stringify(promptus.call("session_state", id, now))}`);
  console.log(`report: ${JSON.stringify(promptus.call("session_report", id).summary)}`);
}

function nativeFrames() {
  const folder = mkdtempSync(join(tmpdir(), "promptus-"));
  const out = join(folder, "frames");
  const rule = ["--abr", "fixed", "--rung", String(RUNG)];
  execFileSync(program, ["play", FOLDER, ...rule, "--out", out], { stdio: "ignore" });
  const names = readdirSync(out).filter((name) => name.endsWith(".png")).sort();
  const frames = names.map((name) => readPng(join(out, name)));
  rmSync(folder, { recursive: true });
  return frames;
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const session = new Promptus(file);
const generator = new Promptus(file);
const began = performance.now();
const weights = generator.call("generator_new", readFileSync("static/mini/generator.safetensors"), "null");
console.log(`weights ${weights.weights} laid out in ${(performance.now() - began).toFixed(0)} ms`);

const native = nativeFrames();
const total = { equal: 0, bytes: 0, differ: 0, squares: 0, most: 0, frames: 0 };
const [keyframes, between] = [[], []];
let renderer;
let spent = 0;
const steps = segments(session);
for (let step = steps.next(); !step.done; ) {
  const { init, media } = step.value;
  renderer ??= generator.call("renderer_new", weights.id, init);
  const start = performance.now();
  const begun = generator.call("renderer_begin", renderer.id, media);
  for (;;) {
    const before = performance.now();
    const frame = generator.call("renderer_next", renderer.id);
    const took = performance.now() - before;
    if (frame.done) break;
    // A keyframe is generated before the frames that lead to it: its time is that of the first of them.
    const first = frame.index === 0 || begun.keyframes.includes(frame.index - 1);
    (first ? keyframes : between).push(took);
    spent += took;
    compare(generator.memory(frame.ptr, frame.len), native[total.frames++]);
  }
  step = steps.next(begun.frames);
}

function compare(rgba, { rgb, width, height }) {
  let differ = 0;
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < 3; channel++) {
      const off = Math.abs(rgba[4 * pixel + channel] - rgb[3 * pixel + channel]);
      if (off === 0) continue;
      differ += 1;
      total.squares += off * off;
      total.most = Math.max(total.most, off);
    }
  }
  total.differ += differ;
  total.equal += differ === 0;
  total.bytes += rgb.length;
}

const psnr = 10 * Math.log10((255 * 255 * total.bytes) / total.squares);
const share = ((100 * total.differ) / total.bytes).toFixed(4);
console.log(`${total.frames} frames (native ${native.length}), ${total.equal} equal; ${share} % of bytes differ, by ${total.most} at most, PSNR ${psnr.toFixed(1)} dB`);
console.log(`keyframe with its pair's motion: median ${median(keyframes).toFixed(1)} ms, mean ${mean(keyframes).toFixed(1)} ms; frame between: median ${median(between).toFixed(1)} ms`);
console.log(`${((1000 * total.frames) / spent).toFixed(1)} frames a second, memory ${(generator.exports.memory.buffer.byteLength / 1e6).toFixed(1)} MB`);
if (total.frames !== native.length || total.most > MOST) {
  console.error(`expected the native frames within ${MOST} a byte`);
  process.exit(1);
}
