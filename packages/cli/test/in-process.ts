// Calls the command in this process: what it loads is loaded once for all calls, so that each takes milliseconds.

import { Writable } from 'node:stream';
import { main } from '#src/main.js';
import type { Called, Project } from './command.js';

/** Call `fsport` in a project. One call at a time: the folder and the standard streams are those of the process. */
export async function callHere({ folder }: Project, args: readonly string[]): Promise<Called> {
  const cwd = process.cwd();
  const written = { stdout: '', stderr: '' };
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const property = Object.getOwnPropertyDescriptor(process, name) as PropertyDescriptor;
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written[name] += chunk.toString();
        done();
      },
    });
    Object.defineProperty(process, name, { ...property, get: () => stream });
    return () => Object.defineProperty(process, name, property);
  });
  process.chdir(folder);
  try {
    return { status: await main(args), ...written };
  } finally {
    process.chdir(cwd);
    for (const back of restore) back();
  }
}
