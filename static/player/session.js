// The worker of a session: carries out what the session in WebAssembly asks for, and tells it what happened.
//
// It fetches, measures, and hands segments to the generators. What to fetch, from which rung, when to play and
// when to wait is decided by the session alone; this file knows no manifest and no segment.

import { Abi } from "./abi.js";
import { download } from "./download.js";
import { Link } from "./link.js";
import { ATTEMPTS, passes, pause_s } from "./patience.js";
import { Transfer } from "./transfer.js";

/** How often the page gets the state while nothing else happens, in milliseconds. */
const STATE_MS = 250;

const transfers = new Map();
/** How often addresses refused. */
const refusals = new Map();
/** Where init and media segments come from: by purpose, rung, and number. */
const addresses = new Map();
let abi = null;
let session = null;
let link = null;
let timer = null;
let bytes = 0;
let generators = [];
let jobs = 0;
let epoch = 0;
let weights = null;
let line = "online";
/** Transfers that broke since the last answer. */
let failures = 0;

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
    if (action.do === "fetch") {
      if (action.rung !== undefined) addresses.set(`${action.purpose} ${action.rung} ${action.segment ?? ""}`, action.url);
      void transfer(action);
    } else if (action.do === "cancel") transfers.get(action.id)?.cancel();
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
  weights ??= state.weights && load(state.weights).catch(fail);
  const at = performance.timeOrigin + (state.at_s ?? now()) * 1000;
  postMessage({ type: "state", state, at, epoch, bytes });
  const { position_s, rate, fps } = state;
  const moves = !state.paused && !state.waiting && !state.ended;
  for (const { port } of generators) port.postMessage({ type: "clock", at, position_s, rate, moves, fps });
}

/** Tells the page of the line to the server of `url` what it does not know yet. */
function tellLine(next, url) {
  if (next !== line) postMessage({ type: "line", line: next, host: new URL(url).host });
  line = next;
}

/** Fetches the weights for all generators, which verify them. */
async function load({ url, sha256 }) {
  if (!url) throw new Error(`the manifest has no address of the weights ${sha256}`);
  const whole = await download(url, {
    line: (next) => tellLine(next, url),
    progress: (received, total) => postMessage({ type: "weights", received, total }),
  });
  bytes += whole.length;
  for (const { port } of generators) port.postMessage({ type: "weights", bytes: whole, url, sha256 });
}

/**
 * Fetches what an action names and reports its course to the session. After a failure the session asks again, here
 * or elsewhere, when the pause that it is told of is over.
 */
async function transfer(action) {
  const own = new Transfer(action, {
    first: (at) => first(action.id, at),
    progress: (body) => input({ progress: action.id }, body),
  });
  transfers.set(action.id, own);
  try {
    const answer = await own.perform(link);
    if (own.cancelled) return;
    failures = 0;
    if (answer.status) refuse(action, answer);
    else deliver(action, own, answer);
  } catch {
    if (own.cancelled) return;
    tellLine("offline", action.url);
    input({ failed: action.id, again_s: pause_s(failures) });
    failures += 1;
  } finally {
    transfers.delete(action.id);
  }
}

function first(id, at_ms) {
  guarded(() => abi.json("session_input", session, at_ms / 1000, { first_byte: id }, new Uint8Array()));
}

/** Reports a refusal: one that may pass is tried again some times. */
function refuse({ id, url }, { status, asked_s }) {
  const before = refusals.get(url) ?? 0;
  const again = passes(status) && before + 1 < ATTEMPTS;
  if (again) refusals.set(url, before + 1);
  else refusals.delete(url);
  tellLine(again ? "busy" : "online", url);
  input({ failed: id, status, again_s: again ? Math.max(asked_s, pause_s(before)) : null });
}

/**
 * Reports a whole body with the browser's own times: a small one reaches scripts in one piece, so that the
 * times of its pieces would promise too fast a line.
 */
function deliver(action, own, { body, wire, url, first: at, last }) {
  bytes += wire;
  refusals.delete(action.url);
  tellLine("online", action.url);
  own.begin(at);
  input({ delivered: action.id, wire_bytes: wire, url }, body, last / 1000);
}

/** Gives a segment to the generator with the least to do. */
function decode({ segment, rung, start_s, skip_s }) {
  const media = abi.bytes("session_segment", session);
  const target = generators.reduce((least, next) => (next.queued < least.queued ? next : least));
  const init = target.rungs.has(rung) ? null : abi.bytes("session_init", session, rung);
  target.rungs.add(rung);
  target.queued += 1;
  jobs += 1;
  const urls = { init: addresses.get(`init ${rung} `), media: addresses.get(`media ${rung} ${segment}`) };
  const from_s = start_s + skip_s;
  target.port.postMessage({ type: "segment", job: jobs, epoch, segment, rung, from_s, init, media, urls });
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
