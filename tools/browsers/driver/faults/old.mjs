// Browsers that cannot generate pictures: words, and a way back to the catalogue.

import { check } from "../checks.mjs";
import { notice, open } from "../page.mjs";

async function says({ browser, place }, what, expected, before) {
  const { context, page, complaints } = await open(browser, place("watch/demo"), { before });
  await page.waitForFunction(() => window.player.error);
  const text = await notice(page);
  const back = await page.evaluate(() => {
    const link = document.querySelector("a.back");
    return link && !link.hidden ? link.href : null;
  });
  check(expected.test(text), `${what}: "${text}"`);
  check(back === place(""), `${what}: a link to the catalogue, ${back}`);
  check(complaints.length === 0, `${what}: nothing is thrown ${complaints.join("; ")}`);
  await context.close();
}

export async function withoutSimd(bench) {
  await says(bench, "no SIMD", /SIMD/, () => {
    WebAssembly.validate = () => false;
  });
}

export async function withoutWebAssembly(bench) {
  await says(bench, "no WebAssembly", /no WebAssembly/, () => {
    delete globalThis.WebAssembly;
  });
}
