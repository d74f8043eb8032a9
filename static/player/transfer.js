// One request of the session: its answer with the browser's own times, and reports on the way.

import { joined } from "./bytes.js";
import { asked, fetchable, watch } from "./patience.js";
import { measured } from "./timing.js";

/** How often an answer is reported while it arrives, and while it does not, so that the session may abandon it. */
const REPORT_MS = 200;
const SOON_MS = 20;
const NOTHING = new Uint8Array();

export class Transfer {
  /** Whether the session does not want it any more. */
  cancelled = false;
  #url;
  #range;
  #fields;
  #told;
  #parts = [];
  /** The time of the first byte, in milliseconds. */
  #first = null;
  #begun = false;
  #soon = 0;
  #control = new AbortController();

  /** `told` has two functions: `first(milliseconds)` for the first byte, `progress(body)` for what is here. */
  constructor({ url, range, headers = [] }, told) {
    this.#url = url;
    this.#range = range;
    this.#told = told;
    this.#fields = new Headers(headers);
    if (range) this.#fields.set("range", `bytes=${range[0]}-${range[1]}`);
  }

  cancel() {
    this.cancelled = true;
    this.#control.abort();
  }

  /** Reports the first byte, once. */
  begin(at_ms) {
    if (!this.#begun) this.#told.first(at_ms);
    this.#begun = true;
  }

  /**
   * The body with the times of its first and last byte, or the status of a refusal. Fails if the network does.
   * A `link` slows it down.
   */
  async perform(link) {
    if (!fetchable(this.#url)) return { status: 400, asked_s: 0 };
    const began = performance.now();
    const response = await this.#receive(link);
    if (!response.ok) return { status: response.status, asked_s: asked(response) };
    let body = joined(this.#parts);
    // A server without ranges sends all of the file.
    if (this.#range && response.status === 200) body = body.slice(this.#range[0], this.#range[1] + 1);
    const timing = await measured(this.#url, began);
    const wire = timing.bytes || body.length;
    if (!link) return { body, wire, url: response.url, first: timing.first, last: timing.last };
    const slowed = await link.carry(wire, began, this.#control.signal, (received, first) => {
      this.#report(body.subarray(0, received), first);
    });
    return { body, wire, url: response.url, ...slowed };
  }

  /** The answer, whose body has arrived. */
  async #receive(link) {
    const reports = setInterval(() => {
      if (link) this.#told.progress(NOTHING);
      else this.#report(joined(this.#parts), this.#first);
    }, REPORT_MS);
    const life = watch(() => this.#control.abort());
    try {
      const response = await fetch(this.#url, { headers: this.#fields, signal: this.#control.signal });
      if (!response.ok) {
        void response.body?.cancel();
        return response;
      }
      this.#answered(link);
      for (const reader = response.body.getReader(); ;) {
        life.heard();
        const { done, value } = await reader.read();
        if (done) return response;
        this.#parts.push(value);
      }
    } finally {
      clearTimeout(this.#soon);
      clearInterval(reports);
      life.stop();
    }
  }

  /**
   * The head of an answer is here: its time is that of the first byte, as the first piece of a body may come much
   * later to scripts. Reported soon, before other events move the session's clock; of a body that is here at once the
   * browser knows better.
   */
  #answered(link) {
    this.#first = performance.now();
    if (!link) this.#soon = setTimeout(() => this.begin(this.#first), SOON_MS);
  }

  #report(body, first) {
    if (first !== null) this.begin(first);
    this.#told.progress(body);
  }
}
