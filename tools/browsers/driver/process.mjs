// The browser's process of a page: its memory, its processor time, and how to make it slow (Linux).

import { readFileSync } from "node:fs";

/// Ticks of the kernel's clock in a second.
const TICKS = 100;
/// Length of a turn of a slowed process, in milliseconds.
const TURN_MS = 40;

/// The processes that render pages.
export async function renderers(browser) {
  const client = await browser.target().createCDPSession();
  const { processInfo } = await client.send("SystemInfo.getProcessInfo");
  await client.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

/// Resident memory, in bytes.
export function resident(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) * 1024;
}

/// Processor time so far, in seconds.
export function processorTime(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/// Lets a process run one `factor`-th of the time, all its threads: workers too, which the browser's own
/// throttling leaves alone. Returns what ends it.
export function slow(pid, factor) {
  let stopped = false;
  let timer = 0;
  const turn = () => {
    process.kill(pid, stopped ? "SIGCONT" : "SIGSTOP");
    stopped = !stopped;
    timer = setTimeout(turn, stopped ? TURN_MS * (1 - 1 / factor) : TURN_MS / factor);
  };
  turn();
  return () => {
    clearTimeout(timer);
    process.kill(pid, "SIGCONT");
  };
}
