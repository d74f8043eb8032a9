// The original of a title, drawn frame by frame: a recipe's camera moves over photographs, or a video.
//
// A recipe is that of `promptus encode` (src/source/recipe.rs). Views are scaled by the browser, so the picture is
// one to compare by eye, not the encoder's input to the bit.

/** Opens the original at `url`, which has the picture size of the title. */
export async function openOriginal(url) {
  return new URL(url).pathname.endsWith(".json") ? Recipe.open(url) : Video.open(url);
}

class Recipe {
  #recipe;
  #photos;

  static async open(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    const recipe = await response.json();
    const names = [...new Set(recipe.shots.map(({ photo }) => photo))];
    const photos = await Promise.all(names.map((name) => photograph(new URL(name, url).href)));
    return new Recipe(recipe, new Map(names.map((name, at) => [name, photos[at]])));
  }

  constructor(recipe, photos) {
    this.#recipe = recipe;
    this.#photos = photos;
  }

  /** Draws the frame of this media time, in seconds, over the whole canvas. */
  draw(context, time_s) {
    const [frames, per_s = 1] = this.#recipe.frame_rate.split("/").map(Number);
    let number = Math.round((time_s * frames) / per_s);
    for (const shot of this.#recipe.shots) {
      if (number < shot.frames) return this.#view(context, shot, number);
      number -= shot.frames;
    }
    return undefined;
  }

  #view(context, { photo, frames, from, to, easing = "smooth" }, number) {
    const { width, height } = context.canvas;
    const picture = this.#photos.get(photo);
    const linear = number / Math.max(1, frames - 1);
    const progress = easing === "linear" ? linear : linear * linear * (3 - 2 * linear);
    const between = (name) => from[name] + (to[name] - from[name]) * progress;
    const across = between("width") * picture.naturalWidth;
    const down = (across * height) / width;
    const left = between("x") * picture.naturalWidth - across / 2;
    const top = between("y") * picture.naturalHeight - down / 2;
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, left, top, across, down, 0, 0, width, height);
  }
}

class Video {
  #video;

  static async open(url) {
    const video = Object.assign(document.createElement("video"), { muted: true, preload: "auto", src: url });
    await new Promise((resolve, reject) => {
      video.addEventListener("loadeddata", resolve, { once: true });
      video.addEventListener("error", () => reject(new Error(`${url} cannot be played`)), { once: true });
    });
    return new Video(video);
  }

  constructor(video) {
    this.#video = video;
  }

  /** Draws what is there, and asks for the frame of this media time, which comes with a later call. */
  draw(context, time_s) {
    const video = this.#video;
    if (!video.seeking && Math.abs(video.currentTime - time_s) > 0.02) video.currentTime = time_s;
    context.drawImage(video, 0, 0, context.canvas.width, context.canvas.height);
  }
}

function photograph(url) {
  const image = new Image();
  image.src = url;
  return image.decode().then(() => image, () => Promise.reject(new Error(`${url} cannot be shown`)));
}
