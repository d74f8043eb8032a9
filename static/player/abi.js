// Calls the WebAssembly module: puts arguments into its memory, takes texts and bytes out of it.

const texts = new TextEncoder();
const reader = new TextDecoder();

/** Compiles the module at `url`. */
export async function compile(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  // Streaming compilation insists on this type, which not every static server sends.
  const streams = response.headers.get("content-type")?.startsWith("application/wasm");
  return streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** An instance of the module. A session and every generator has one of its own. */
export class Abi {
  #exports;

  static async start(module) {
    return new Abi((await WebAssembly.instantiate(module, stubs(module))).exports);
  }

  constructor(exports) {
    this.#exports = exports;
  }

  /** The JSON that an export returns; throws its error. */
  json(name, ...values) {
    const answer = JSON.parse(reader.decode(this.#call(name, values)));
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  /** Calls an export that returns nothing. */
  run(name, ...numbers) {
    this.#exports[name](...numbers);
  }

  /** A copy of the bytes that an export returns. */
  bytes(name, ...values) {
    const bytes = this.#call(name, values);
    // An error is JSON; a box of ISO media, whose first byte is that of its size, never starts so.
    if (bytes[0] === 0x7b) throw new Error(JSON.parse(reader.decode(bytes)).error);
    return bytes.slice();
  }

  /** A view of the module's memory, valid until the next call. */
  view(pointer, length) {
    return new Uint8Array(this.#exports.memory.buffer, pointer, length);
  }

  /** Numbers are passed as they are; bytes, and anything else as JSON, as pointer and length. */
  #call(name, values) {
    const held = [];
    const words = values.flatMap((value) => {
      if (typeof value === "number") return [value];
      const bytes = value instanceof Uint8Array ? value : texts.encode(JSON.stringify(value));
      const pointer = this.#exports.alloc(bytes.length);
      held.push([pointer, bytes.length]);
      this.view(pointer, bytes.length).set(bytes);
      return [pointer, bytes.length];
    });
    const result = this.#exports[name](...words);
    for (const [pointer, length] of held) this.#exports.release(pointer, length);
    const [pointer, length] = new Uint32Array(this.#exports.memory.buffer, result, 2);
    return this.view(pointer, length);
  }
}

/** Imports that dependencies declare and the player never reaches. */
function stubs(module) {
  const imports = {};
  for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
    imports[space] ??= {};
    if (kind === "function") imports[space][name] = () => { throw new Error(`${space}.${name} is not provided`); };
  }
  return imports;
}
