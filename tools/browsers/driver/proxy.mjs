// A server before the origin that fails where a check wants it to.

import { once } from "node:events";
import { createServer, request as ask } from "node:http";

const NO_STORE = "no-store";

export class Proxy {
  /// Decides what happens to a request { method, path, range, number }: nothing if it returns nothing; else
  /// `status` with `headers` answers; `change(bytes)` spoils a body; `cut` breaks it off after so many bytes;
  /// `silent` never answers.
  fault = () => null;
  /// Whether the line is down: connections break and none is accepted.
  down = false;
  /// Whether browsers may keep what they got.
  cached = true;
  requests = [];
  open = 0;
  mostOpen = 0;
  #sockets = new Set();
  #server = createServer((request, response) => this.#answer(request, response));

  constructor(upstream) {
    this.upstream = upstream;
    this.#server.on("connection", (socket) => {
      if (this.down) socket.destroy();
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /// Starts to listen; returns its own URL.
  async listen() {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return new URL(`http://127.0.0.1:${this.#server.address().port}/`);
  }

  /// Breaks every connection, and takes no other until `up`.
  drop() {
    this.down = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  up() {
    this.down = false;
  }

  /// Forgets faults and requests.
  reset() {
    this.fault = () => null;
    this.requests = [];
    this.mostOpen = this.open;
    this.up();
  }

  close() {
    this.drop();
    this.#server.close();
  }

  #answer(request, response) {
    const { method, url: path, headers } = request;
    const own = { method, path, range: headers.range, number: this.requests.length, at: Date.now() };
    this.requests.push(own);
    this.open += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open);
    response.on("close", () => { this.open -= 1; });
    const fault = this.fault(own) ?? {};
    if (fault.silent) return;
    if (fault.status) {
      response.writeHead(fault.status, { "cache-control": NO_STORE, ...fault.headers }).end();
      return;
    }
    const sent = { ...headers, host: this.upstream.host };
    if (fault.change) delete sent["accept-encoding"];
    const upstream = ask(new URL(path, this.upstream), { method, headers: sent });
    upstream.on("response", (answer) => this.#pass(answer, response, fault));
    upstream.on("error", () => response.destroy());
    request.pipe(upstream);
  }

  async #pass(answer, response, { change, cut }) {
    const headers = { ...answer.headers };
    if (!this.cached || change || cut !== undefined) headers["cache-control"] = NO_STORE;
    if (!change && cut === undefined) {
      response.writeHead(answer.statusCode, headers);
      answer.pipe(response);
      return;
    }
    const parts = [];
    for await (const part of answer) parts.push(part);
    let body = Buffer.concat(parts);
    if (change) body = change(body);
    headers["content-length"] = body.length;
    response.writeHead(answer.statusCode, headers);
    if (cut === undefined) response.end(body);
    else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 50));
  }
}
