// Small pictures for the seek bar: the first frame of each segment that was pointed at.

/** Height of a picture, in pixels. */
const HEIGHT = 90;
/** Pictures kept; the oldest goes first. */
const MOST = 200;
/** How long to wait for a picture before another is asked for, in milliseconds. */
const PATIENCE_MS = 2000;

export class Previews {
  #made = [];
  #asked = -Infinity;

  /** The picture of the segment at this time, in seconds; null if there is none yet. */
  at(time_s) {
    return this.#made.find(({ from, to }) => from <= time_s && time_s < to)?.picture ?? null;
  }

  /** Whether a picture of this time is to be asked for now: one at a time is made. */
  asks(time_s) {
    const now = performance.now();
    if (this.at(time_s) || now - this.#asked < PATIENCE_MS) return false;
    this.#asked = now;
    return true;
  }

  /** Adds what a generator made; without a buffer it could not be made. */
  async add({ start_s, duration_s, width, height, buffer }) {
    if (buffer) {
      const frame = new ImageData(new Uint8ClampedArray(buffer), width, height);
      const size = { resizeWidth: Math.round((width * HEIGHT) / height), resizeHeight: HEIGHT, resizeQuality: "high" };
      const picture = await createImageBitmap(frame, size);
      this.#made.push({ from: start_s, to: start_s + duration_s, picture });
      if (this.#made.length > MOST) this.#made.shift().picture.close();
    }
    this.#asked = -Infinity;
  }
}
