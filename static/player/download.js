// A large file that never changes: after a break the download goes on where it was.

import { joined } from "./bytes.js";
import { asked, fetchable, passes, pause_s, watch } from "./patience.js";

class Refused extends Error {}

/**
 * The bytes at `url`. `told` has two functions: `line("online" | "busy" | "offline")`, and `progress(received, total)`,
 * whose total is 0 if it is not known.
 */
export async function download(url, told) {
  if (!fetchable(url)) throw new Refused(`${url}: not an address of a server`);
  const file = { parts: [], received: 0 };
  for (let failures = 0; ; failures += 1) {
    let rest_s = pause_s(failures);
    try {
      const asked_s = await attempt(url, file, told);
      if (asked_s === null) return joined(file.parts);
      told.line("busy");
      rest_s = Math.max(rest_s, asked_s);
    } catch (error) {
      if (error instanceof Refused) throw error;
      told.line("offline");
    }
    await new Promise((resolve) => setTimeout(resolve, rest_s * 1000));
  }
}

/** Fetches what is not in `file` yet; null if that is all, or the pause that the server asks for, in seconds. */
async function attempt(url, file, told) {
  const control = new AbortController();
  const life = watch(() => control.abort());
  try {
    const headers = file.received > 0 ? { range: `bytes=${file.received}-` } : {};
    const response = await fetch(url, { headers, signal: control.signal });
    if (passes(response.status)) return asked(response);
    if (!response.ok) throw new Refused(`${url}: status ${response.status}`);
    told.line("online");
    if (response.status !== 206) Object.assign(file, { parts: [], received: 0 });
    await receive(response, file, told, life);
    return null;
  } finally {
    life.stop();
  }
}

async function receive(response, file, told, life) {
  // A content coding hides how long the body will be.
  const coded = response.headers.has("content-encoding");
  const total = coded ? 0 : file.received + Number(response.headers.get("content-length"));
  for (const reader = response.body.getReader(); ;) {
    life.heard();
    const { done, value } = await reader.read();
    if (done) return;
    file.parts.push(value);
    file.received += value.length;
    told.progress(file.received, total);
  }
}
