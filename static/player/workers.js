// Starts the player's workers, and says what a browser lacks for them.

const addresses = new Map();

/** Where a worker starts from: on a page of another origin, a script that imports it. */
function address({ href, origin }) {
  if (origin === location.origin) return href;
  if (!addresses.has(href)) {
    const text = `import ${JSON.stringify(href)};`;
    addresses.set(href, URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  }
  return addresses.get(href);
}

/** A worker of a script beside this one. */
export function startWorker(name, heard, failed) {
  const url = new URL(name, import.meta.url);
  const worker = new Worker(address(url), { type: "module" });
  worker.onmessage = ({ data }) => heard(data);
  worker.onerror = (event) => failed(event.message || `${url.href} cannot be started`);
  return worker;
}

/** How many generators work at once, unless a number is asked for: one core stays free for the page. */
export function workerCount(asked = 0) {
  return asked > 0 ? asked : Math.max(1, Math.min(2, (navigator.hardwareConcurrency || 2) - 1));
}

/** A function whose only instruction needs 128-bit SIMD. */
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];

/** What keeps this browser from playing; an empty text if nothing does. */
export function supported() {
  if (typeof WebAssembly !== "object") return "This browser has no WebAssembly, which generates the pictures.";
  if (!WebAssembly.validate(new Uint8Array(SIMD))) {
    return "This browser has no SIMD in WebAssembly: Chrome 91, Firefox 89, Safari 16.4 and later have it.";
  }
  return "";
}
