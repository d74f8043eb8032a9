// Plays `?manifest=URL` with `?player=NAME`, with pictures by the adapter at `?adapter=URL`. Answers `report()`,
// and `look(SECONDS)` with the picture of that time.

import { players } from "./players.js";

const asked = new URL(location.href).searchParams;
const video = document.querySelector("video");
const said = { version: "", rungs: [], errors: [] };

addEventListener("securitypolicyviolation", ({ violatedDirective }) => said.errors.push(`${violatedDirective} violated`));

const { attach } = await import(asked.get("adapter"));
const adapter = attach(video);
adapter.addEventListener("error", ({ detail }) => said.errors.push(detail.message));

window.report = () => {
  const { buffered, currentTime, duration, ended } = video;
  const ranges = Array.from({ length: buffered.length }, (_, at) => [buffered.start(at), buffered.end(at)]);
  return { ...said, stats: adapter.stats, buffered: ranges, currentTime, duration, ended };
};

window.look = async (seconds) => {
  video.pause();
  video.currentTime = seconds;
  const there = () => !video.seeking && !adapter.stats.waiting && Math.abs((adapter.shownFrame?.time_s ?? -1) - seconds) < 1 / 1000;
  while (!there()) await new Promise(requestAnimationFrame);
  const { canvas } = adapter;
  const { width, height } = canvas;
  return { width, height, rgba: Array.from(canvas.getContext("2d").getImageData(0, 0, width, height).data) };
};

try {
  await players[asked.get("player")](video, asked.get("manifest"), said);
  await video.play();
} catch (error) {
  said.errors.push(error.code ? `${error.code} ${error.message}` : String(error));
}
