// The titles of the checks: the shipped one, and a wide one that is encoded here.

import { execFileSync } from "node:child_process";
import { closeSync, cpSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

export const WIDE = { width: 640, height: 360, fps: 24, seconds: 4 };
const DEMO = new URL("../../../../manifests/demo", import.meta.url).pathname;

/// A folder of titles: `demo` and `wide`.
export function titles(program, folder) {
  const root = join(folder, "titles");
  cpSync(DEMO, join(root, "demo"), { recursive: true });
  const video = join(folder, "wide.y4m");
  film(video);
  const size = `${WIDE.width}x${WIDE.height}`;
  execFileSync(program, ["encode", video, "--out", join(root, "wide"), "--preset", "draft", "--size", size, "--no-measure"], { stdio: "ignore" });
  return root;
}

/// A bright disc that crosses a shaded ground, as YUV4MPEG2.
function film(path) {
  const { width, height, fps, seconds } = WIDE;
  const file = openSync(path, "w");
  writeSync(file, `YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420jpeg\n`);
  const luma = Buffer.alloc(width * height);
  const chroma = Buffer.alloc((width * height) / 2, 128);
  for (let frame = 0; frame < fps * seconds; frame += 1) {
    const [cx, cy] = [(frame / (fps * seconds)) * width, height / 2];
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        luma[y * width + x] = Math.hypot(x - cx, y - cy) < 60 ? 220 : 40 + (x * 80) / width + (y * 40) / height;
      }
    }
    writeSync(file, "FRAME\n");
    writeSync(file, luma);
    writeSync(file, chroma);
  }
  closeSync(file);
}
