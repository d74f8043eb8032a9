// Slows transfers down to a recorded or a steady network, so that adaptation can be watched on a fast line.

/** How often a slowed transfer reports its progress, in milliseconds. */
const STEP_MS = 100;

/** Reads `time_s,kbps,latency_ms` rows; lines that start with `#` are comments. */
export function parseTrace(text) {
  const lines = text.split("\n").filter((line) => line && !line.startsWith("#"));
  return lines.slice(1).map((line) => {
    const [time_s, kbps, latency_ms = 0] = line.split(",").map(Number);
    return { time_s, kbps, latency_ms };
  });
}

/** A link that all transfers share, one after the other. A trace repeats after its last row's usual length. */
export class Link {
  #rows;
  #length_s;
  #began_ms = performance.now();
  #free_ms = 0;

  /** `rows` are those of `parseTrace`, from time 0 on. */
  constructor(rows) {
    this.#rows = rows;
    const last = rows.at(-1);
    const step = rows.length > 1 ? last.time_s - rows.at(-2).time_s : 60;
    this.#length_s = last.time_s + step;
  }

  /**
   * Takes `bytes` over the link, from `start_ms` on. Calls `progress(received, first)` on the way, with a null for the time
   * of the first byte while there is none, and resolves to the
   * times of the first and the last byte, in milliseconds; rejects when `signal` aborts.
   */
  async carry(bytes, start_ms, signal, progress) {
    const first = Math.max(start_ms + this.#at(start_ms).latency_ms, this.#free_ms);
    const last = this.#end(first, bytes);
    this.#free_ms = last;
    try {
      for (;;) {
        const left = last - performance.now();
        if (left <= 0) return { first, last };
        await pause(Math.min(left, STEP_MS), signal);
        const share = (performance.now() - first) / (last - first);
        if (share < 1) progress(Math.max(0, Math.floor(bytes * share)), share > 0 ? first : null);
      }
    } catch (error) {
      this.#free_ms = performance.now();
      throw error;
    }
  }

  #at(time_ms) {
    const time_s = ((time_ms - this.#began_ms) / 1000) % this.#length_s;
    return this.#rows.findLast((row) => row.time_s <= time_s) ?? this.#rows[0];
  }

  /** When the last of `bytes` arrives if the first may leave at `from_ms`. */
  #end(from_ms, bytes) {
    const slice_ms = 20;
    let bits = bytes * 8;
    let time_ms = from_ms;
    while (bits > 0) {
      const speed = Math.max(this.#at(time_ms).kbps, 0.1);
      const taken = Math.min(slice_ms, bits / speed);
      bits -= speed * taken;
      time_ms += taken;
      if (bits < 1e-6) break;
    }
    return time_ms;
  }
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
