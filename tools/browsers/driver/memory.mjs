// What a page and its workers keep: JavaScript, the buffers behind it with the memory of WebAssembly, and nodes.

async function heap(client) {
  await client.send("HeapProfiler.collectGarbage");
  const { usedSize, backingStorageSize = 0 } = await client.send("Runtime.getHeapUsage");
  return usedSize + backingStorageSize;
}

/// Bytes by place after a collection, and the number of nodes.
export async function memory(page) {
  const client = await page.createCDPSession();
  const own = await heap(client);
  const { nodes } = await client.send("Memory.getDOMCounters");
  await client.detach();
  const others = await Promise.all(page.workers().map(async (worker) => [worker.url().split("/").at(-1), await heap(worker.client)]));
  const places = Object.entries({ page: own, ...Object.fromEntries(others) });
  return { places, nodes, total: places.reduce((sum, [, bytes]) => sum + bytes, 0) };
}

/// `12.3 MB page, 4.5 MB session.js`
export function told({ places }) {
  return places.map(([name, bytes]) => `${(bytes / 1e6).toFixed(1)} MB ${name}`).join(", ");
}
