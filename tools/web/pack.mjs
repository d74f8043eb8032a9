// node pack.mjs MODULE.wasm MODULE.d OUT.wasm: OUT.wasm.br, and OUT.wasm.json with the module's size and
// hash, the list of its sources (from cargo's dependency file) and their digest.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const [module, dependencies, out] = process.argv.slice(2);
const bytes = readFileSync(module);
const names = readFileSync(dependencies, "utf8").replace(/^[^:]*: /, "").trim();
const local = names.split(/(?<!\\)\s+/).map((name) => relative(".", name.replaceAll("\\ ", " ")));
const sources = [...new Set([...local, "Cargo.lock", "Cargo.toml"])].filter((name) => !name.startsWith(".."));
sources.sort();
const digest = createHash("sha256");
for (const name of sources) {
  digest.update(`${name}\0${createHash("sha256").update(readFileSync(name)).digest("hex")}\n`);
}
const packed = brotliCompressSync(bytes, {
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_LGWIN]: 24,
    [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
  },
});
writeFileSync(`${out}.br`, packed);
const about = {
  bytes: bytes.length,
  brotli_bytes: packed.length,
  sha256: createHash("sha256").update(bytes).digest("hex"),
  sources_sha256: digest.digest("hex"),
  sources,
};
writeFileSync(`${out}.json`, `${JSON.stringify(about, null, 1)}\n`);
console.log(`${out}.br: ${packed.length} bytes, ${bytes.length} unpacked, of ${sources.length} sources`);
