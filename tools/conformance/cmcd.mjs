// Compares what `promptus play` says of itself, and what the origin makes of it, with the Common Media
// Client Data library of the SVTA. Prints { tool: [version, what it saw] } as JSON.
//
//   node cmcd.mjs LIBRARIES PROMPTUS http://127.0.0.1:8080/ ACCESS_LOG

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [libraries, program, origin, log] = process.argv.slice(2);
const entry = createRequire(join(libraries, "package.json")).resolve("@svta/cml-cmcd");
const { decodeCmcd, encodeCmcd, toCmcdHeaders } = await import(pathToFileURL(entry));
const GROUPS = ["CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status"];
const UNTIL_FLUSHED_MS = 1500;

/// Passes requests on and keeps their heads.
async function listen(mode, seen) {
  const server = http.createServer((request, response) => {
    seen.push({ url: request.url, headers: request.headers, id: `${mode}-${process.pid}-${seen.length}` });
    const headers = { ...request.headers, "x-request-id": seen.at(-1).id };
    const upstream = http.request(new URL(request.url, origin), { method: request.method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    request.pipe(upstream);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

async function session(mode, path) {
  const seen = [];
  const server = await listen(mode, seen);
  const url = `http://127.0.0.1:${server.address().port}/${path}`;
  const child = spawn(program, ["play", url, "--no-render", "--cmcd", mode], { stdio: "ignore" });
  const [code] = await once(child, "exit");
  server.close();
  assert.equal(code, 0, `play --cmcd ${mode}`);
  return seen;
}

/// The texts that carry the data of a request.
function spelt(mode, { url, headers }) {
  if (mode === "query") return [new URL(url, origin).searchParams.get("CMCD")];
  return GROUPS.map((group) => headers[group.toLowerCase()]).filter(Boolean);
}

/// What the library reads must come out of it again as we spelt it, in the same groups.
function agree(mode, request) {
  const texts = spelt(mode, request);
  assert.ok(texts.length > 0, `${request.url} says nothing`);
  const data = Object.assign({}, ...texts.map((text) => decodeCmcd(text)));
  if (mode === "query") assert.equal(texts[0], encodeCmcd(data, { version: 2 }), request.url);
  else {
    const expected = toCmcdHeaders(data, { version: 2 });
    for (const group of GROUPS) assert.equal(request.headers[group.toLowerCase()], expected[group] || undefined, group);
  }
  return data;
}

/// A value as the origin logs it: items of lists with their parameters as text.
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (!value?.params) return value?.description ?? value;
  const parameters = Object.entries(value.params).map(([key, of]) => (of === true ? key : `${key}=${JSON.stringify(of)}`));
  return [JSON.stringify(value.value), ...parameters].join(";");
}

/// The origin's log must hold the same values.
function logged(line, data, request) {
  assert.ok(line, `${request.url} is not in the log`);
  for (const [key, value] of Object.entries(data)) {
    assert.deepEqual(line.cmcd[key], plain(value), `${key} of ${request.url}`);
  }
}

const catalogue = await (await fetch(new URL("catalogue.json", origin))).json();
const counts = {};
const keys = new Set();
for (const mode of ["query", "header"]) {
  const seen = await session(mode, catalogue.titles[0].hls);
  const said = seen.map((request) => [request, agree(mode, request)]);
  await new Promise((resolve) => setTimeout(resolve, UNTIL_FLUSHED_MS));
  const lines = readFileSync(log, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  for (const [request, data] of said) {
    logged(lines.find((line) => line.request_id === request.id), data, request);
    Object.keys(data).forEach((key) => keys.add(key));
  }
  counts[mode] = seen.length;
}
const version = JSON.parse(readFileSync(join(libraries, "node_modules/@svta/cml-cmcd/package.json"))).version;
const saw = `${counts.query} requests by query, ${counts.header} by header, keys ${[...keys].sort().join(" ")}: spelt and logged alike`;
console.log(JSON.stringify({ "@svta/cml-cmcd (npm)": [version, saw] }));
