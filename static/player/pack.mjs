// Puts beside package.json what the npm package has and git has elsewhere or packed: the module, the licences.
//
//   node pack.mjs [--clean]     with --clean they are removed again

import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

const here = (name) => new URL(name, import.meta.url);
const LICENCES = ["LICENSE-APACHE", "LICENSE-MIT"];

if (process.argv.includes("--clean")) {
  for (const name of ["promptus.wasm", ...LICENCES]) rmSync(here(name), { force: true });
} else {
  writeFileSync(here("promptus.wasm"), brotliDecompressSync(readFileSync(here("promptus.wasm.br"))));
  for (const name of LICENCES) copyFileSync(here(`../../${name}`), here(name));
}
