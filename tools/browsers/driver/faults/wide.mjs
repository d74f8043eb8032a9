// A picture of 640×360: nine times that of the shipped title.

import { check } from "../checks.mjs";
import { firstFrame, open } from "../page.mjs";
import { WIDE } from "./titles.mjs";

/// Frames a second that must be shown: one keyframe takes about a second, and playback does not wait for them.
const SHOWN = 1.5;

export async function plays({ browser, place }) {
  const { context, page, complaints } = await open(browser, place("watch/wide"));
  await firstFrame(page);
  const began = Date.now();
  await page.evaluate(() => window.player.play());
  await page.waitForFunction(() => window.player.ended || window.player.error);
  const took = (Date.now() - began) / 1000;
  const state = await page.evaluate(() => ({ ...window.player.stats, error: window.player.error, size: [window.player.canvas.width, window.player.canvas.height] }));
  check(!state.error && state.size.join("x") === `${WIDE.width}x${WIDE.height}`, `a title of ${state.size.join("×")} plays ${state.error?.message ?? ""}`);
  const all = WIDE.fps * WIDE.seconds;
  check(state.framesShown / took > SHOWN, `${WIDE.seconds} s take ${took.toFixed(1)} s: ${(state.framesShown / took).toFixed(1)} frames/s, ${state.framesShown} of ${all} shown, ${state.framesDropped} dropped, ${state.generateMsPerFrame.toFixed(0)} ms a frame`);
  check(complaints.length === 0, `nothing is thrown ${complaints.join("; ")}`);
  await context.close();
}
