// Holds the clock of a media element while frames are late, and tells as the element does when data is late.
//
// The clock is held by a rate of 0, which players take for a pause and not for a stall that they have to mend.

export class Clock {
  #video;
  /** The rate with which it goes on; null if it is not held. */
  #rate = null;
  /** Changes of the rate that are our own and whose events are to come. */
  #changes = 0;

  constructor(video, signal) {
    this.#video = video;
    video.addEventListener("ratechange", (event) => this.#heard(event), { signal, capture: true });
  }

  get held() { return this.#rate !== null; }

  hold() {
    if (this.held) return;
    this.#rate = this.#video.playbackRate;
    this.#set(0);
    this.#video.dispatchEvent(new Event("waiting"));
  }

  release() {
    if (!this.held) return;
    const rate = this.#rate;
    this.#rate = null;
    this.#set(rate);
    if (!this.#video.paused) this.#video.dispatchEvent(new Event("playing"));
  }

  #set(rate) {
    if (this.#video.playbackRate === rate) return;
    this.#changes += 1;
    this.#video.playbackRate = rate;
  }

  /** Our own changes are nobody's business; another's counts once the clock goes on. */
  #heard(event) {
    if (this.#changes > 0) {
      this.#changes -= 1;
      event.stopImmediatePropagation();
    } else if (this.held && this.#video.playbackRate !== 0) {
      this.#rate = this.#video.playbackRate;
      this.#set(0);
    }
  }
}
