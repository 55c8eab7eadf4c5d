/** Calls of the command from the command, in a process of their own: nothing of a model stays loaded. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { EXIT } from './exit-status.js';

const BIN = fileURLToPath(new URL('../bin/fsport.js', import.meta.url));

/**
 * Call the command; what it prints is shown.
 *
 * @param args - Its arguments.
 * @param stop - Interrupts it as Ctrl-C does. Ctrl-C itself does not reach it: it would be the second one, which ends it
 * before its reports are written.
 * @returns Its exit status.
 */
export async function callSelf(args: readonly string[], stop: AbortSignal): Promise<number> {
  const detached = process.platform !== 'win32';
  const child = spawn(process.execPath, [BIN, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached,
  });
  const interrupt = (): void => void child.kill('SIGINT');
  stop.addEventListener('abort', interrupt);
  if (stop.aborted) interrupt();
  const [code] = (await once(child, 'close')) as [number | null];
  stop.removeEventListener('abort', interrupt);
  return code ?? (stop.aborted ? EXIT.interrupted : EXIT.internal);
}
