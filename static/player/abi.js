// Calls the WebAssembly module: puts arguments into its memory, takes texts and bytes out of it.

const texts = new TextEncoder();
const reader = new TextDecoder();

/** Exports by which the player's module is told from another, and from an older one. */
const NEEDED = ["memory", "session_new", "renderer_new", "renderer_skip"];

/** Compiles the module at `url`. */
export async function compile(url) {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    // Streaming compilation insists on this type, which not every static server sends.
    const streams = response.headers.get("content-type")?.startsWith("application/wasm");
    const module = await (streams ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer()));
    const exported = WebAssembly.Module.exports(module).map(({ name }) => name);
    const absent = NEEDED.find((name) => !exported.includes(name));
    if (absent) throw new Error(`this is not the player's module, it has no ${absent}`);
    return module;
  } catch (error) {
    throw placed(url, error);
  }
}

/** The error with the address of what it is about. */
export function placed(address, error) {
  return new Error(`${address}: ${error.message}`, { cause: error });
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
    this.#entered(name, numbers);
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
      if (pointer === 0) throw new Error(`there is no memory for ${bytes.length} bytes`);
      held.push([pointer, bytes.length]);
      this.view(pointer, bytes.length).set(bytes);
      return [pointer, bytes.length];
    });
    const result = this.#entered(name, words);
    for (const [pointer, length] of held) this.#exports.release(pointer, length);
    const [pointer, length] = new Uint32Array(this.#exports.memory.buffer, result, 2);
    return this.view(pointer, length);
  }

  /** Calls an export. One that stops half-way leaves an instance that cannot be used any more. */
  #entered(name, words) {
    try {
      return this.#exports[name](...words);
    } catch (error) {
      throw new Error(`the player's module stopped in ${name} (${error.message})`, { cause: error });
    }
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
