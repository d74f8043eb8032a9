// A slow line before the origin: passes bytes on in both directions, those to the player no faster than
// a rate that all connections share. The browser's own emulation of slow networks hands over a body of
// a few kilobytes in one piece, which players take for a fast line.

import { once } from "node:events";
import { connect, createServer } from "node:net";

const TICK_MS = 20;
/// How long every byte to the player is under way.
const LATENCY_MS = 50;
/// Bytes in a piece: a packet of the internet.
const PACKET = 1460;

export class Shaper {
  /// Bits per second; may be changed at any time.
  rate;
  #waiting = [];
  #credit = 0;
  #timer = setInterval(() => this.#tick(), TICK_MS);
  #server = createServer((player) => this.#join(player));

  constructor(upstream, rate) {
    this.upstream = upstream;
    this.rate = rate;
  }

  /// Starts to listen; returns its own URL.
  async open() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return new URL(`http://127.0.0.1:${this.#server.address().port}/`);
  }

  close() {
    clearInterval(this.#timer);
    this.#server.close();
  }

  #join(player) {
    const origin = connect(this.upstream.port, this.upstream.hostname);
    player.setNoDelay().pipe(origin);
    origin.on("data", (bytes) => {
      for (let at = 0; at < bytes.length; at += PACKET) this.#take(player, bytes.subarray(at, at + PACKET));
    });
    origin.on("end", () => this.#take(player, null));
    for (const [one, other] of [[player, origin], [origin, player]]) {
      one.on("error", () => other.destroy());
    }
    player.on("close", () => origin.destroy());
  }

  #take(player, bytes) {
    this.#waiting.push({ player, bytes, cost: bytes?.length ?? 0, due: performance.now() + LATENCY_MS });
  }

  #sendable() {
    const next = this.#waiting[0];
    return next && next.due <= performance.now() && next.cost <= this.#credit;
  }

  #tick() {
    const earned = (this.rate / 8) * (TICK_MS / 1000);
    this.#credit = Math.min(this.#credit + earned, Math.max(PACKET, earned));
    while (this.#sendable()) {
      const { player, bytes, cost } = this.#waiting.shift();
      if (player.destroyed) continue;
      this.#credit -= cost;
      if (bytes) player.write(bytes);
      else player.end();
    }
  }
}
