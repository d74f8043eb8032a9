// The worker of a generator: turns segments into frames, one at a time, and stops when the page has enough.
//
// Frames go to the page, progress goes to the session. A frame's buffer comes back when it was shown; without a
// free buffer nothing is generated, so that memory and the work ahead of the playhead stay bounded. When the
// machine is too slow, playback does not wait: fewer frames are generated, those between keyframes are left out first.

import { Abi, placed } from "./abi.js";
import { Pace } from "./pace.js";

/** Frames that may wait to be shown: a second and a half at 24 a second. */
const AHEAD = 36;

let abi = null;
let model = null;
let port = null;
let number = 0;
let free = AHEAD;
let epoch = 0;
let wake = () => {};
const pace = new Pace();
const renderers = new Map();
/** Renderers of previews, which must not disturb the segment under way. */
const previewers = new Map();
const inits = new Map();
const queue = [];
const spare = [];

function fail(error) {
  port.postMessage({ type: "error", message: error.message ?? String(error) });
}

/** Lets waiting messages in: a timer would be held back for some milliseconds. */
const turn = (() => {
  const { port1, port2 } = new MessageChannel();
  let resolve;
  port1.onmessage = () => resolve();
  return () => new Promise((done) => {
    resolve = done;
    port2.postMessage(null);
  });
})();

const changed = () => new Promise((resolve) => { wake = resolve; });

function renderer(rung, known = renderers) {
  if (!known.has(rung)) known.set(rung, abi.json("renderer_new", model, inits.get(rung)).id);
  return known.get(rung);
}

/** A copy of a frame in a buffer that may be given away. */
function copied({ ptr, len }) {
  const before = spare.pop();
  const buffer = before?.byteLength === len ? before : new ArrayBuffer(len);
  new Uint8Array(buffer).set(abi.view(ptr, len));
  return buffer;
}

/** Tells the session that playback that moves need not wait for the first frame of this segment. */
function announce(work) {
  if (!work || work.announced || work.epoch !== epoch || !pace.moves) return;
  work.announced = true;
  const { job, segment, rung } = work;
  port.postMessage({ job, epoch, segment, rung, frames: 0, frame_s: 0, complete: false });
}

/** Generates one segment, unless a seek drops it. */
async function render(id, work) {
  const { job, epoch: own, segment, rung, from_s, media } = work;
  const tell = (fields) => port.postMessage({ job, epoch: own, segment, rung, ...fields });
  const begun = performance.now();
  const read = abi.json("renderer_begin", id, media);
  pace.begin(from_s, read, performance.now() - begun);
  for (;;) {
    announce(work);
    announce(queue[0]);
    while (free === 0 && own === epoch) await changed();
    if (own !== epoch) {
      abi.run("renderer_drop", id);
      return tell({ dropped: true });
    }
    abi.run("renderer_skip", id, pace.next_s());
    const began = performance.now();
    const frame = abi.json("renderer_next", id);
    if (frame.done) {
      pace.end();
      return tell({ ...pace.report(), complete: true });
    }
    const buffer = copied(frame);
    const took_ms = performance.now() - began;
    const skipped = pace.made(frame, took_ms);
    free -= 1;
    const { index, time_s, keyframe, width, height } = frame;
    const shown = { index, time_s, keyframe, width, height, buffer, took_ms, skipped };
    postMessage({ type: "frame", generator: number, job, epoch: own, segment, rung, ...shown }, [buffer]);
    if (pace.isNews()) tell({ ...pace.report(), complete: false });
    await turn();
  }
}

/** Generates the first frame of a segment. */
function preview({ start_s, duration_s, rung, media }) {
  const id = renderer(rung, previewers);
  abi.json("renderer_begin", id, media);
  const frame = abi.json("renderer_next", id);
  const { width, height } = frame;
  const buffer = abi.view(frame.ptr, frame.len).slice().buffer;
  abi.run("renderer_drop", id);
  postMessage({ type: "preview", start_s, duration_s, width, height, buffer }, [buffer]);
}

async function run() {
  for (;;) {
    while (!model || queue.length === 0) await changed();
    const next = queue.shift();
    if (next.epoch !== epoch) {
      port.postMessage({ job: next.job, epoch: next.epoch, segment: next.segment, dropped: true });
      continue;
    }
    const { urls, rung } = next;
    const id = about(urls.init, () => renderer(rung));
    await render(id, next).catch((error) => {
      throw placed(urls.media, error);
    });
  }
}

/** What `step` returns; its error names the address that it is about. */
function about(url, step) {
  try {
    return step();
  } catch (error) {
    throw placed(url, error);
  }
}

const handlers = {
  weights({ bytes, url, sha256 }) {
    model = about(url, () => abi.json("generator_new", bytes, sha256)).id;
  },
  segment(job) {
    if (job.init) inits.set(job.rung, job.init);
    queue.push(job);
  },
  /** A preview comes between two frames. */
  preview(job) {
    if (job.init) inits.set(job.rung, job.init);
    if (!model) return;
    try {
      preview(job);
    } catch (error) {
      postMessage({ type: "preview", message: error.message });
    }
  },
  drop({ epoch: latest }) {
    epoch = latest;
  },
  clock(state) {
    pace.clock = state;
  },
  /** A frame was shown, or is not needed. */
  free({ buffer }) {
    free += 1;
    spare.push(buffer);
  },
};

async function open(data) {
  ({ port, generator: number } = data);
  abi = await Abi.start(data.module);
  port.onmessage = ({ data: message }) => receive(message);
  run().catch(fail);
}

function receive(message) {
  try {
    handlers[message.type](message);
  } catch (error) {
    fail(error);
  }
  wake();
}

onmessage = ({ data }) => {
  if (data.type === "open") open(data).catch((error) => postMessage({ type: "error", message: error.message }));
  else receive(data);
};
