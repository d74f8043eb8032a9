// Faults that a viewer meets, one after the other, in headless Chromium on the origin's watch page.
//
//   node driver/faults.mjs PROMPTUS CHROMIUM LIBRARIES [--only=NAME,…] [--minutes=2]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check, note, sum } from "./checks.mjs";
import * as foreign from "./faults/foreign.mjs";
import * as life from "./faults/life.mjs";
import * as memory from "./faults/memory.mjs";
import * as network from "./faults/network.mjs";
import * as old from "./faults/old.mjs";
import * as pace from "./faults/pace.mjs";
import * as refusals from "./faults/refusals.mjs";
import * as slow from "./faults/slow.mjs";
import * as storm from "./faults/storm.mjs";
import * as wide from "./faults/wide.mjs";
import { titles } from "./faults/titles.mjs";
import { Origin } from "./origin.mjs";
import { launch } from "./page.mjs";
import { Proxy } from "./proxy.mjs";

const CHECKS = { network, refusals, foreign, old, life, storm, wide, pace, slow, memory };

/// The value of `--name=value` among `words`.
function option(words, name, usual) {
  return words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3) ?? usual;
}

/// Starts all that the checks need; `used` gets what ends each.
async function bench([program, chromium, libraries, ...rest], used) {
  const folder = mkdtempSync(join(tmpdir(), "promptus-faults-"));
  used.push(() => rmSync(folder, { recursive: true, force: true }));
  const origin = await Origin.start(program, titles(program, folder), folder);
  used.push(() => origin.stop());
  const proxy = new Proxy(origin.url);
  const base = await proxy.listen();
  used.push(() => proxy.close());
  const browser = await launch(libraries, chromium);
  used.push(() => browser.close());
  const place = (path) => new URL(path, base).href;
  return { browser, proxy, place, minutes: Number(option(rest, "minutes", "2")) };
}

async function main(words) {
  const used = [];
  const only = option(words, "only", Object.keys(CHECKS).join()).split(",");
  try {
    const all = await bench(words, used);
    note(await all.browser.version());
    for (const name of only) {
      for (const [title, run] of Object.entries(CHECKS[name])) {
        all.proxy.reset();
        await run(all).catch((error) => check(false, `${name}, ${title}: ${error.message}`));
      }
    }
  } finally {
    for (const end of used.reverse()) await end();
  }
  return sum();
}

const good = await main(process.argv.slice(2)).catch((error) => console.error(error));
process.exitCode = good ? 0 : 1;
