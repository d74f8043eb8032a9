// The worker of a session: carries out what the session in WebAssembly asks for, and tells it what happened.
//
// It fetches, measures, and hands segments to the generators. What to fetch, from which rung, when to play and
// when to wait is decided by the session alone; this file knows no manifest and no segment.

import { Abi } from "./abi.js";
import { Link } from "./link.js";
import { measured } from "./timing.js";

/** How often the page gets the state while nothing else happens, in milliseconds. */
const STATE_MS = 250;
/** Pauses between attempts while the network is down, in milliseconds; the last one repeats. */
const PAUSES_MS = [250, 500, 1000, 2000, 4000];
/** How often an answer is reported while it arrives, and while it does not, so that the session may abandon it. */
const REPORT_MS = 200;

const transfers = new Map();
let abi = null;
let session = null;
let link = null;
let timer = null;
let bytes = 0;
let generators = [];
let jobs = 0;
let epoch = 0;
let weights = null;

const now = () => performance.now() / 1000;

function fail(error) {
  postMessage({ type: "error", message: error.message ?? String(error) });
}

/** Runs `step`; an error ends the session and reaches the page. */
function guarded(step) {
  try {
    return step();
  } catch (error) {
    clearTimeout(timer);
    fail(error);
    return undefined;
  }
}

function input(event, body = new Uint8Array(), at = now()) {
  guarded(() => {
    abi.json("session_input", session, at, event, body);
    drive();
  });
}

/** Does what the session asks for until it wants to wait. */
function drive() {
  clearTimeout(timer);
  for (;;) {
    const action = abi.json("session_poll", session, now());
    if (action.do === "fetch") void transfer(action);
    else if (action.do === "cancel") transfers.get(action.id)?.abort();
    else if (action.do === "decode") decode(action);
    else {
      if (Number.isFinite(action.until_s)) {
        timer = setTimeout(() => guarded(drive), Math.max(0, (action.until_s - now()) * 1000));
      }
      break;
    }
  }
  tell();
}

/** Sends the page the state, with the time it belongs to on the clock that page and workers share. */
function tell() {
  const state = abi.json("session_state", session, now());
  if (state.weights?.url && !weights) {
    weights = load(state.weights).catch(fail);
  }
  postMessage({ type: "state", state, at: performance.timeOrigin + (state.at_s ?? now()) * 1000, epoch, bytes });
}

/** Fetches the weights for all generators, which verify them. */
async function load({ url }) {
  const whole = await retried(() => download(url));
  if (!whole) return;
  bytes += whole.length;
  for (const { port } of generators) port.postMessage({ type: "weights", bytes: whole });
}

/** The body at `url`; the page hears how much of it is here. */
async function download(url) {
  const response = await fetch(url);
  if (!response.ok) {
    fail(new Error(`the weights cannot be fetched: ${url}: ${response.status}`));
    return null;
  }
  // A content coding hides how long the body will be.
  const coded = response.headers.has("content-encoding");
  const total = coded ? 0 : Number(response.headers.get("content-length"));
  const parts = [];
  let received = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.length;
    postMessage({ type: "weights", received, total });
  }
  return joined(parts);
}

/** Repeats `attempt` while the network is down. */
async function retried(attempt, signal) {
  for (let failures = 0; ; failures += 1) {
    try {
      const answer = await attempt();
      if (failures > 0) postMessage({ type: "online" });
      return answer;
    } catch (error) {
      if (signal?.aborted) throw error;
      postMessage({ type: "offline" });
      await until(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]);
    }
  }
}

/** Waits for a time, and no longer than until the machine is online again. */
function until(milliseconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(end);
      removeEventListener("online", done);
      resolve();
    };
    const end = setTimeout(done, milliseconds);
    addEventListener("online", done);
  });
}

/** Fetches what an action names and reports its course to the session. */
async function transfer({ id, url, range, headers = [] }) {
  const control = new AbortController();
  const { signal } = control;
  transfers.set(id, control);
  const fields = new Headers(headers);
  if (range) fields.set("range", `bytes=${range[0]}-${range[1]}`);
  try {
    const answer = await retried(() => receive(id, url, fields, range, signal), signal);
    if (signal.aborted) return;
    if (answer.status) input({ failed: id, status: answer.status, again_s: answer.again_s });
    else deliver(id, answer);
  } catch (error) {
    if (!signal.aborted) fail(error);
  } finally {
    transfers.delete(id);
  }
}

/** The body with the times of its first and last byte, or the status of a refusal. */
async function receive(id, url, headers, range, signal) {
  const began = performance.now();
  const silent = setInterval(() => input({ progress: id }), REPORT_MS);
  const response = await fetch(url, { headers, signal }).finally(() => clearInterval(silent));
  if (!response.ok) {
    const again = Number(response.headers.get("retry-after"));
    return { status: response.status, again_s: again > 0 ? again : null };
  }
  let body = await read(response, (received, first) => {
    if (!link) progress(id, received, first);
  });
  // A server without ranges sends all of the file.
  if (range && response.status === 200) body = body.slice(range[0], range[1] + 1);
  const timing = await measured(url, began);
  const wire = timing.bytes || body.length;
  if (!link) return { body, wire, url: response.url, first: timing.first, last: timing.last };
  const slowed = await link.carry(wire, began, signal, (received, first) => progress(id, body.subarray(0, received), first));
  return { body, wire, url: response.url, ...slowed };
}

/** The whole body; `arrived(bytes, first)` is called while it takes long, with the time of its first byte. */
async function read(response, arrived) {
  const parts = [];
  let first = null;
  let reported = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    const at = performance.now();
    if (first === null) first = reported = at;
    if (at - reported < REPORT_MS) continue;
    reported = at;
    arrived(await joined(parts), first);
  }
  return joined(parts);
}

async function joined(parts) {
  return parts.length === 1 ? parts[0] : new Uint8Array(await new Blob(parts).arrayBuffer());
}

const begun = new Set();

/** `first` is the time of the first byte, null as long as there is none. */
function progress(id, body, first) {
  if (first !== null && !begun.has(id)) {
    begun.add(id);
    firstByte(id, first);
  }
  input({ progress: id }, body);
}

function firstByte(id, at_ms) {
  guarded(() => abi.json("session_input", session, at_ms / 1000, { first_byte: id }, new Uint8Array()));
}

/**
 * Reports a whole body with the browser's own times: a small one reaches scripts in one piece, so that the
 * times of its pieces would promise too fast a line.
 */
function deliver(id, { body, wire, url, first, last }) {
  bytes += wire;
  if (!begun.delete(id)) firstByte(id, first);
  input({ delivered: id, wire_bytes: wire, url }, body, last / 1000);
}

/** Gives a segment to the generator with the least to do. */
function decode({ segment, rung }) {
  const media = abi.bytes("session_segment", session);
  const target = generators.reduce((least, next) => (next.queued < least.queued ? next : least));
  const init = target.rungs.has(rung) ? null : abi.bytes("session_init", session, rung);
  target.rungs.add(rung);
  target.queued += 1;
  jobs += 1;
  target.port.postMessage({ type: "segment", job: jobs, epoch, segment, rung, init, media });
}

/** Has the segment at `time_s` fetched and its first frame generated; nothing depends on its success. */
async function preview({ time_s }) {
  const { of } = abi.json("session_preview", session, time_s);
  if (!of) return;
  const headers = of.range ? { range: `bytes=${of.range[0]}-${of.range[1]}` } : {};
  try {
    const response = await fetch(of.url, { headers });
    if (!response.ok) throw new Error(`${of.url}: ${response.status}`);
    const whole = new Uint8Array(await response.arrayBuffer());
    const media = of.range && response.status === 200 ? whole.subarray(of.range[0], of.range[1] + 1) : whole;
    bytes += media.length;
    const [{ port }] = generators;
    port.postMessage({ type: "preview", ...of, init: abi.bytes("session_init", session, of.rung), media });
  } catch (error) {
    postMessage({ type: "preview", message: error.message });
  }
}

function generator(port) {
  const own = { port, queued: 0, rungs: new Set() };
  port.onmessage = ({ data }) => {
    if (data.type === "error") return fail(new Error(data.message));
    if (data.complete || data.dropped) own.queued -= 1;
    if (data.epoch !== epoch || data.dropped) return undefined;
    const { segment, frames, complete, frame_s } = data;
    return input({ rendered: { segment, frames, complete, frame_s } });
  };
  return own;
}

const handlers = {
  async open({ module, options, ports, trace }) {
    performance.setResourceTimingBufferSize(1000);
    abi = await Abi.start(module);
    generators = ports.map(generator);
    link = trace ? new Link(trace) : null;
    session = abi.json("session_new", options).id;
    drive();
    setInterval(() => guarded(tell), STATE_MS);
  },
  input: ({ event }) => input(event),
  seek({ to, epoch: number }) {
    epoch = number;
    for (const { port } of generators) port.postMessage({ type: "drop", epoch });
    input({ seek: to });
  },
  preview,
  trace({ trace }) {
    link = trace ? new Link(trace) : null;
  },
  report({ id }) {
    postMessage({ type: "report", id, report: abi.json("session_report", session) });
  },
};

let opened = null;

onmessage = ({ data }) => {
  if (data.type === "open") opened = handlers.open(data).catch(fail);
  else void opened.then(() => handlers[data.type](data)).catch(fail);
};
