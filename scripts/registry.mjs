// A registry of npm packages in memory, on loopback: what `npm publish` brings is what `npm install` gets. It runs in a
// thread of its own, so that it answers while a command is waited for. Why not one from npm: docs/decisions/0001-toolchain.md.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

/**
 * Starts a registry.
 *
 * @returns Its address, and how to end it.
 */
export async function startRegistry() {
  const worker = new Worker(new URL(import.meta.url));
  const [port] = await once(worker, 'message');
  return { address: `http://127.0.0.1:${port}/`, stop: () => worker.terminate() };
}

/** Serves packages: their documents and their tarballs, by path. */
function serve() {
  const kept = new Map();
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(request.url);
    if (request.method === 'PUT') {
      const { _attachments, ...document } = await json(request);
      kept.set(path, Buffer.from(JSON.stringify(document)));
      for (const [file, { data }] of Object.entries(_attachments))
        kept.set(`${path}/-/${file}`, Buffer.from(data, 'base64'));
    }
    const body = request.method === 'GET' ? kept.get(path) : Buffer.from('{}');
    response.writeHead(body === undefined ? 404 : 200).end(body ?? '{}');
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
}

if (!isMainThread) serve();
