// Serves the pages and the players' own builds to the browser, on a port that is not the origin's, with a policy
// as a careful site has it: `modules` is where the adapter comes from.

import { once } from "node:events";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = { ".html": "text/html", ".js": "text/javascript" };

export async function servePages(pages, libraries, modules) {
  const policy = `default-src 'none'; script-src 'self' ${modules} 'wasm-unsafe-eval'; worker-src blob: ${modules}; media-src blob:; connect-src *; img-src data:`;
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://pages").pathname);
    const file = path.startsWith("/lib/") ? join(libraries, path.slice(5)) : join(pages, path === "/" ? "index.html" : path);
    try {
      const body = await readFile(file);
      response.writeHead(200, {
        "content-type": TYPES[extname(file)] ?? "application/octet-stream",
        "content-security-policy": policy,
      }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
