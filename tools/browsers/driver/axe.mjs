// Accessibility of a page by the rules of axe-core.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const GRAVE = ["serious", "critical"];
/// How long a page may take to fill itself, in milliseconds.
const SETTLE_MS = 1500;

/// Serious and critical findings on the page at `url`, as texts.
export async function findings(browser, url, scheme, libraries) {
  const page = await browser.newPage();
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(url, { waitUntil: "load" });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  // Evaluated from outside, which the content security policy allows.
  await page.evaluate(readFileSync(join(libraries, "axe-core/axe.min.js"), "utf8"));
  const violations = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations));
  await page.close();
  const grave = violations.filter(({ impact }) => GRAVE.includes(impact));
  return grave.map(({ id, help, nodes }) => `${id} (${help}): ${nodes.map(({ target }) => target.flat().join(" ")).join(", ")}`);
}
