// Bytes of what a page fetches of the player, as they are and in brotli as the origin codes them, for the table in
// static/player/README.md. Exit 1 if the npm package lacks a module or has one that nothing imports.
//
//   node tools/web/sizes.mjs

import { readFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const FOLDER = new URL("../../static/player/", import.meta.url);
/// As in src/origin/titles/coding.rs.
const QUALITY = 4;

const read = (name) => readFileSync(new URL(name, FOLDER));

/// A module and those that it imports or starts as workers.
function closure(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const uses = read(name).toString().matchAll(/^(?:import|export) .*"\.\/(.+\.js)";$|startWorker\("(.+\.js)"/gm);
  for (const [, imported, started] of uses) closure(imported ?? started, found);
  return found;
}

function row(what, names) {
  const plain = names.map(read);
  const coded = plain.map((bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } }));
  const kilobytes = (all) => `${Math.round(all.reduce((sum, { length }) => sum + length, 0) / 1000)} kB`;
  console.log(`| ${what} | ${names.length} | ${kilobytes(plain)} | ${kilobytes(coded)} |`);
}

const element = [...closure("promptus-player.js")];
const adapter = [...closure("adapter.js")];
const watch = [...closure("watch.js"), "watch.css"].filter((name) => !element.includes(name));
console.log("| modules | files | bytes | in brotli |\n|---|---|---|---|");
row("of the element", element);
row("of the adapter", adapter);
row("of the watch page beside the element's", watch);
const { bytes, brotli_bytes } = JSON.parse(read("promptus.wasm.json"));
console.log(`| promptus.wasm | 1 | ${(bytes / 1e6).toFixed(1)} MB | ${Math.round(brotli_bytes / 1000)} kB |`);

const wanted = new Set([...element, ...adapter]);
const packed = new Set(JSON.parse(read("package.json")).files.filter((name) => name.endsWith(".js")));
const wrong = [...wanted, ...packed].filter((name) => wanted.has(name) !== packed.has(name));
for (const name of wrong) console.log(`${name}: ${packed.has(name) ? "packed for nothing" : "not in the package"}`);
process.exitCode = wrong.length ? 1 : 0;
