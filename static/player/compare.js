// A second player over the first, at another rung, behind a slider: both show the same moment.

export class Compare {
  #player;
  #screen;
  #second = null;
  #split = document.createElement("input");

  constructor(player, screen) {
    this.#player = player;
    this.#screen = screen;
    Object.assign(this.#split, { type: "range", min: 0, max: 100, value: 50, className: "split" });
    this.#split.setAttribute("aria-label", "Boundary between the two rungs");
    this.#split.addEventListener("input", () => this.#place());
  }

  /** Shows this rung on the right-hand side; null ends the comparison. */
  show(rung) {
    if (rung === null) return this.#end();
    if (!this.#second) this.#begin();
    this.#second.rung = rung;
    return undefined;
  }

  #begin() {
    const second = document.createElement("promptus-player");
    second.className = "second";
    second.setAttribute("aria-hidden", "true");
    second.tabIndex = -1;
    second.setAttribute("workers", "1");
    if (this.#player.currentTime > 0) second.setAttribute("start", String(this.#player.currentTime));
    second.leader = this.#player;
    second.src = this.#player.src;
    this.#second = second;
    this.#screen.append(second, this.#split);
    this.#screen.classList.add("compares");
    this.#place();
  }

  #place() {
    this.#split.style.setProperty("--ratio", this.#player.style.getPropertyValue("--ratio") || "1");
    this.#screen.style.setProperty("--split", `${this.#split.value}%`);
  }

  #end() {
    this.#second?.remove();
    this.#split.remove();
    this.#second = null;
    this.#screen.classList.remove("compares");
  }
}
