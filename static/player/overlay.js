// A canvas where the picture of a media element is: beneath the element, whose own picture is moved out of sight,
// so that its controls and captions stay on top.

export class Overlay {
  canvas = document.createElement("canvas");
  #context = this.canvas.getContext("2d", { alpha: false });
  #video;
  #before = null;
  #place = "";

  constructor(video) {
    this.#video = video;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", video.getAttribute("aria-label") ?? "Video");
  }

  /** Draws a frame; the first one takes the place of the element's picture. */
  show({ width, height, buffer }) {
    if (!this.#before) this.#cover();
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.#context.putImageData(new ImageData(new Uint8ClampedArray(buffer), width, height), 0, 0);
  }

  /** Follows the element's place on the page. */
  follow() {
    if (!this.#before) return;
    const { offsetLeft, offsetTop, clientLeft, clientTop, clientWidth, clientHeight } = this.#video;
    const place = [offsetLeft + clientLeft, offsetTop + clientTop, clientWidth, clientHeight].map((size) => `${size}px`);
    if (place.join() === this.#place) return;
    this.#place = place.join();
    const [left, top, width, height] = place;
    Object.assign(this.canvas.style, { left, top, width, height });
  }

  /** Gives the element its own picture back. */
  remove() {
    this.canvas.remove();
    if (!this.#before) return;
    Object.assign(this.#video.style, this.#before);
    this.#video.disablePictureInPicture = false;
    this.#video.controlsList?.remove("nofullscreen");
    this.#before = null;
    this.#place = "";
  }

  #cover() {
    const { style } = this.#video;
    const { position, objectFit, objectPosition } = getComputedStyle(this.#video);
    this.#before = { position: style.position, background: style.background, objectPosition: style.objectPosition };
    // In both there would be the element's own picture.
    this.#video.disablePictureInPicture = true;
    this.#video.controlsList?.add("nofullscreen");
    Object.assign(this.canvas.style, { position: "absolute", objectFit, objectPosition, background: "black" });
    // The canvas is the earlier one of two positioned elements, so it is the lower one.
    if (position === "static") style.position = "relative";
    style.background = "transparent";
    style.objectPosition = "0 -100000px";
    this.#video.before(this.canvas);
    this.follow();
  }
}
