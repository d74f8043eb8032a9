// What lies over the right-hand part of the player, behind a slider: the title at another rung, or its original.
// Both show the same moment.

import { openOriginal } from "./original.js";

export class Compare {
  #player;
  #screen;
  #original;
  #over = null;
  #split = document.createElement("input");

  /** `original` is the address of the title's original, null if there is none. */
  constructor(player, screen, original) {
    this.#player = player;
    this.#screen = screen;
    this.#original = original;
    Object.assign(this.#split, { type: "range", min: 0, max: 100, value: 50, className: "split" });
    this.#split.setAttribute("aria-label", "Boundary between the two pictures");
    this.#split.addEventListener("input", () => this.#place());
  }

  /** Shows this rung, or the `"original"`, on the right-hand side; null ends the comparison. */
  show(what) {
    if (typeof what === "number" && this.#over instanceof Rung) return this.#over.show(what);
    this.#over?.remove();
    this.#split.remove();
    this.#screen.classList.toggle("compares", what !== null);
    this.#over = null;
    if (what === null) return undefined;
    this.#over = what === "original" ? new Original(this.#player, this.#original) : new Rung(this.#player, what);
    this.#screen.append(this.#over.element, this.#split);
    return this.#place();
  }

  #place() {
    this.#screen.style.setProperty("--ratio", this.#player.style.getPropertyValue("--ratio") || "1");
    this.#screen.style.setProperty("--split", `${this.#split.value}%`);
  }
}

/** A second player that follows the first. */
class Rung {
  element = document.createElement("promptus-player");

  constructor(player, rung) {
    const second = this.element;
    second.className = "second";
    second.setAttribute("aria-hidden", "true");
    second.tabIndex = -1;
    second.setAttribute("workers", "1");
    if (player.currentTime > 0) second.setAttribute("start", String(player.currentTime));
    second.rung = rung;
    second.leader = player;
    second.src = player.src;
  }

  show(rung) {
    this.element.rung = rung;
  }

  remove() {
    this.element.remove();
  }
}

/** A canvas with the original of the frame that the player shows. */
class Original {
  element = document.createElement("canvas");
  #listening = new AbortController();

  constructor(player, url) {
    const canvas = this.element;
    canvas.className = "second";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "Original");
    void openOriginal(url).then((original) => this.#follow(player, original), (error) => {
      canvas.replaceWith(Object.assign(document.createElement("p"), { className: "second", textContent: error.message }));
    });
  }

  #follow(player, original) {
    const draw = () => {
      const { element: canvas } = this;
      if (!player.shownFrame) return;
      if (canvas.width !== player.videoWidth) Object.assign(canvas, { width: player.videoWidth, height: player.videoHeight });
      original.draw(canvas.getContext("2d"), player.shownFrame.time_s);
    };
    player.addEventListener("framechange", draw, { signal: this.#listening.signal });
    draw();
  }

  remove() {
    this.#listening.abort();
    this.element.remove();
  }
}
