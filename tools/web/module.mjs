// Loads the module of the web player in node and calls it: a short form of what a worker does.
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

// What remains of wasm-bindgen in a dependency (getrandom) is imported and never called.
function stubs(module) {
  const imports = {};
  for (const { module: from, name, kind } of WebAssembly.Module.imports(module)) {
    if (kind !== "function") throw new Error(`unexpected import ${from}.${name}`);
    (imports[from] ??= {})[name] = () => {
      throw new Error(`${from}.${name} was called`);
    };
  }
  return imports;
}

export class Promptus {
  constructor(file) {
    const bytes = readFileSync(file);
    const module = new WebAssembly.Module(file.endsWith(".br") ? brotliDecompressSync(bytes) : bytes);
    this.exports = new WebAssembly.Instance(module, stubs(module)).exports;
  }

  memory(pointer, length) {
    return new Uint8Array(this.exports.memory.buffer, pointer, length);
  }

  // Calls `name`; byte arrays and strings become pointer and length. Returns the answer's bytes.
  bytes(name, ...values) {
    const held = [];
    const given = values.flatMap((value) => {
      if (typeof value === "number") return [value];
      const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
      const pointer = this.exports.alloc(bytes.length);
      this.memory(pointer, bytes.length).set(bytes);
      held.push([pointer, bytes.length]);
      return [pointer, bytes.length];
    });
    const place = this.exports[name](...given);
    held.forEach(([pointer, length]) => this.exports.release(pointer, length));
    if (place === undefined) return new Uint8Array();
    const [pointer, length] = new Uint32Array(this.exports.memory.buffer, place, 2);
    return this.memory(pointer, length).slice();
  }

  call(name, ...values) {
    const text = new TextDecoder().decode(this.bytes(name, ...values));
    const answer = text === "" ? {} : JSON.parse(text);
    if (answer?.error) throw new Error(`${name}: ${answer.error}`);
    return answer;
  }
}
