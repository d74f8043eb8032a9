// When a body's first and last byte arrived, and how many there were, as the browser measured them
// (PerformanceResourceTiming). A server on another origin discloses that by `Timing-Allow-Origin`.

/** How long an entry may come after its body, in milliseconds. */
const LATE_MS = 30;
const TRY_MS = 3;
/** Entries kept before the browser's list is cleared. */
const MOST = 500;

const claimed = new WeakSet();

/**
 * The times of the answer to the request for `url` that was sent at `began`, in milliseconds. Requests for one
 * address in several ranges are told apart by their order: by address alone the first would be taken for all.
 */
export async function measured(url, began) {
  const ended = performance.now();
  for (;;) {
    const entry = find(url, began);
    if (entry) {
      claimed.add(entry);
      if (performance.getEntriesByType("resource").length > MOST) performance.clearResourceTimings();
      return { first: entry.responseStart || ended, last: entry.responseEnd, bytes: entry.encodedBodySize };
    }
    if (performance.now() - ended > LATE_MS) return { first: ended, last: ended, bytes: 0 };
    await new Promise((resolve) => setTimeout(resolve, TRY_MS));
  }
}

/** The first unclaimed entry that does not start before the request, but for the clock's coarseness. */
function find(url, began) {
  const address = new URL(url, self.location.href).href;
  const entries = performance.getEntriesByName(address, "resource");
  return entries.find((entry) => !claimed.has(entry) && entry.startTime >= began - 1);
}
