// Starts `promptus serve` on a free port and reads its access log.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/// How long the log's buffer may keep a line.
const FLUSH_MS = 1500;

export class Origin {
  static async start(program, root, folder) {
    const log = join(folder, "access.log");
    const config = join(folder, "config.toml");
    writeFileSync(config, `[serve]\naccess_log = ${JSON.stringify(log)}\n`);
    const where = root ? [root] : [];
    const args = ["serve", ...where, "--listen", "127.0.0.1:0", "--config", config, "--json"];
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    const line = await Promise.race([once(createInterface(child.stdout), "line"), once(child, "exit")]);
    if (typeof line[0] !== "string") throw new Error(`${program} serve ended with ${line[0]}`);
    return new Origin(child, log, JSON.parse(line[0]));
  }

  constructor(child, log, said) {
    this.child = child;
    this.log = log;
    this.url = new URL(said.url);
  }

  async json(path) {
    const response = await fetch(new URL(path, this.url));
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    return response.json();
  }

  async text(path) {
    const response = await fetch(new URL(path, this.url));
    if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
    return response.text();
  }

  /// The lines of the log, in the order in which the requests were answered.
  async lines() {
    await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
    const lines = readFileSync(this.log, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
    return lines.sort((a, b) => a.time - b.time);
  }

  async stop() {
    if (this.child.exitCode === null) {
      this.child.kill("SIGTERM");
      await once(this.child, "exit");
    }
  }
}
