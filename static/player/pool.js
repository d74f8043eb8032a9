// The workers that generate frames for an adapter. They get fragments in the order in which these are shown.

import { startWorker, workerCount } from "./workers.js";

/** Fragments that a worker may have: one in work and the next. */
const QUEUE = 2;
/** What errors are about, as players append bytes without their addresses. */
const NAMES = { init: "the init segment", media: "a media segment" };

export class Pool {
  #workers = [];
  #tracks = [];
  #jobs = 0;
  #epoch = 0;

  /**
   * `module` and `weights` are promises: of the compiled module, and of the generator's { bytes, url, sha256 }. `made` gets every frame,
   * with its media time in `time_s`, which has to be given back by `free`; `failed` an error.
   */
  constructor({ module, weights, made, failed }) {
    this.made = made;
    this.failed = failed;
    for (let count = workerCount(); count > 0; count -= 1) this.#start(module, weights);
  }

  /** Whether another fragment can be given. */
  get room() { return this.#workers.some(({ queued }) => queued < QUEUE); }

  /** Whether all that was given is done. */
  get idle() { return this.#workers.every(({ queued }) => queued === 0); }

  give({ track, media, offset, from, to }) {
    const target = this.#workers.reduce((least, next) => (next.queued < least.queued ? next : least));
    const rung = this.#rung(track);
    const init = target.rungs.has(rung) ? null : track.bytes;
    target.rungs.add(rung);
    target.queued += 1;
    this.#jobs += 1;
    const segment = { offset, from, to };
    const job = { job: this.#jobs, epoch: this.#epoch, segment, rung, from_s: from - offset, init, media, urls: NAMES };
    target.port.postMessage({ type: "segment", ...job });
  }

  /** Forgets all that was given and is not done. */
  drop() {
    this.#epoch += 1;
    for (const { port } of this.#workers) port.postMessage({ type: "drop", epoch: this.#epoch });
  }

  /** Gives the buffers of frames back, without which nothing more is generated. */
  free(frames) {
    for (const { worker, buffer } of frames) worker.postMessage({ type: "free", buffer }, [buffer]);
  }

  end() {
    for (const { worker } of this.#workers) worker.terminate();
  }

  #start(module, weights) {
    const { port1, port2 } = new MessageChannel();
    const worker = startWorker("generator.js", (data) => this.#heard(worker, data), (text) => this.failed(new Error(text)));
    const own = { worker, port: port2, queued: 0, rungs: new Set() };
    port2.onmessage = ({ data }) => this.#told(own, data);
    this.#workers.push(own);
    const load = async () => {
      worker.postMessage({ type: "open", module: await module, port: port1 }, [port1]);
      port2.postMessage({ type: "weights", ...await weights });
    };
    load().catch((error) => this.failed(error));
  }

  #heard(worker, data) {
    if (data.type === "error") return this.failed(new Error(data.message));
    const { offset, from, to } = data.segment;
    const frame = { ...data, time_s: data.time_s + offset, worker };
    const shown = frame.epoch === this.#epoch && frame.time_s < to && frame.time_s > from - 1 / 1000;
    return shown ? this.made(frame) : this.free([frame]);
  }

  #told(own, data) {
    if (data.type === "error") this.failed(new Error(data.message));
    else if (data.complete || data.dropped) own.queued -= 1;
  }

  /** The number of a track: that of an equal one, as players append init segments again and again. */
  #rung({ bytes }) {
    const same = (other) => other.length === bytes.length && other.every((byte, at) => byte === bytes[at]);
    const known = this.#tracks.findIndex(same);
    return known < 0 ? this.#tracks.push(bytes) - 1 : known;
  }
}
