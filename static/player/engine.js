// The workers of one playback: a session, and generators that it hands segments to.
//
// It counts seeks, so that what was under way before one is told apart from what came after. It knows neither the
// element nor the canvas.

import { startWorker } from "./workers.js";

export class Engine {
  #session;
  #generators;
  #listener;
  #epoch = 0;
  #stopped = false;
  #asked = 0;
  #reports = new Map();

  /**
   * Begins a playback. `options` are those of the session in abi.rs; `listener` has a function for every message:
   * `state`, `frame`, `preview`, `weights`, `line` and `failed`.
   */
  constructor(module, { options, generators, trace }, listener) {
    this.#listener = listener;
    const failed = (text) => {
      if (!this.#stopped) listener.failed(text);
    };
    this.#session = startWorker("session.js", (data) => this.#heard(data), failed);
    this.#generators = Array.from({ length: generators }, () => startWorker("generator.js", (data) => this.#made(data), failed));
    const channels = this.#generators.map((worker, at) => {
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ type: "open", module, generator: at, port: port1 }, [port1]);
      return port2;
    });
    this.#session.postMessage({ type: "open", module, options, ports: channels, trace }, channels);
  }

  /** How many generators work at once. */
  get generators() { return this.#generators.length; }

  /** Tells the session what the viewer did. */
  tell(event) {
    this.#session.postMessage({ type: "input", event });
  }

  /** Drops what is under way and goes on at `to`, in seconds. */
  seek(to) {
    this.#epoch += 1;
    this.#session.postMessage({ type: "seek", to, epoch: this.#epoch });
  }

  /** Slows further transfers down to these rows of a trace; null for the line as it is. */
  shape(trace) {
    this.#session.postMessage({ type: "trace", trace });
  }

  /** Gives the buffers of frames back to the generators that made them. */
  free(frames) {
    for (const { generator, buffer } of frames) this.#generators[generator].postMessage({ type: "free", buffer }, [buffer]);
  }

  /** Has a preview made of the segment at this media time, in seconds; the listener gets it or a message. */
  preview(time_s) {
    this.#session.postMessage({ type: "preview", time_s });
  }

  /** The session's report so far. */
  report() {
    this.#asked += 1;
    return new Promise((resolve) => {
      this.#reports.set(this.#asked, resolve);
      this.#session.postMessage({ type: "report", id: this.#asked });
    });
  }

  /** Ends the workers; what they had sent is ignored. */
  stop() {
    this.#stopped = true;
    this.#session.terminate();
    for (const worker of this.#generators) worker.terminate();
    for (const resolve of this.#reports.values()) resolve(null);
  }

  #heard(data) {
    if (this.#stopped) return;
    if (data.type === "state") {
      if (data.epoch === this.#epoch) this.#listener.state(data);
    } else if (data.type === "error") this.#listener.failed(data.message);
    else if (data.type === "report") this.#reported(data);
    else if (data.type === "preview") this.#listener.preview(data);
    else if (data.type === "weights") this.#listener.weights(data);
    else this.#listener.line(data);
  }

  #reported({ id, report }) {
    this.#reports.get(id)?.(report);
    this.#reports.delete(id);
  }

  #made(data) {
    if (this.#stopped) return;
    if (data.type === "error") this.#listener.failed(data.message);
    else if (data.type === "preview") this.#listener.preview(data);
    else if (data.epoch === this.#epoch) this.#listener.frame(data);
    else this.free([data]);
  }
}
