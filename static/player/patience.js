// How long to wait, and how often to try again, when the network is down or a server refuses.

/** Pauses between attempts, in seconds; the last one repeats. */
const PAUSES_S = [0.25, 0.5, 1, 2];
/** The longest pause that a server may ask for, in seconds. */
const LONGEST_S = 30;

/** How often an address is asked again after a refusal that may pass. */
export const ATTEMPTS = 5;
/** How long a server may be silent before its answer is given up, in milliseconds. */
export const SILENCE_MS = 10_000;

/** The pause after so many failures before the last one, in seconds. */
export function pause_s(failures) {
  return PAUSES_S[Math.min(failures, PAUSES_S.length - 1)];
}

/** Whether a refusal with this status may be over soon. */
export function passes(status) {
  return status === 408 || status === 429 || status >= 500;
}

/** Whether there is a server to ask: a browser fails for an address of another kind as it does without a network. */
export function fetchable(url) {
  try {
    return /^https?:$/.test(new URL(url).protocol);
  } catch {
    return false;
  }
}

/** The seconds that a server asks for before the next attempt; 0 if it does not. */
export function asked(response) {
  const seconds = Number(response.headers.get("retry-after"));
  return seconds > 0 ? Math.min(seconds, LONGEST_S) : 0;
}

/** Calls `silent` when nothing was heard for too long: `heard()` is a sign of life, `stop()` the end. */
export function watch(silent) {
  let timer = 0;
  const stop = () => clearTimeout(timer);
  const heard = () => {
    stop();
    timer = setTimeout(silent, SILENCE_MS);
  };
  heard();
  return { heard, stop };
}
