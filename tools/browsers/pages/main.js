// Plays `?manifest=URL` with `?player=NAME` and answers `report()`.

import { players } from "./players.js";
import { install } from "./shim.js";

const asked = new URL(location.href).searchParams;
const video = document.querySelector("video");
const shim = install(video);
const said = { version: "", rungs: [], errors: [] };

window.report = () => {
  const { buffered, currentTime, duration, ended } = video;
  const ranges = Array.from({ length: buffered.length }, (_, at) => [buffered.start(at), buffered.end(at)]);
  return { ...said, shim, buffered: ranges, currentTime, duration, ended };
};

try {
  await players[asked.get("player")](video, asked.get("manifest"), said);
  await video.play();
} catch (error) {
  said.errors.push(error.code ? `${error.code} ${error.message}` : String(error));
}
