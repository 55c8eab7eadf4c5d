// The punch race in SPIN, where `spin` and `gcc` are installed. Its partial-order reduction is on.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row, Size } from '../row.js';

const MODEL = fileURLToPath(new URL('../../bench/peers/punch-race.pml', import.meta.url));

function run(folder: string, command: string, args: readonly string[]): string {
  const { status, stdout, error } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw new Error(`${command} failed: ${error ?? stdout}`);
  return stdout;
}

/** What the `times` of a shell says about its children, each time that it is in a text: user and system time. */
function childSeconds(text: string): readonly number[] {
  const spent = [...text.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  // Two lines of two: the shell itself, its children.
  return spent.flatMap((user, i) => (i % 4 === 2 ? [user + (spent[i + 1] as number)] : []));
}

/** Is it there? */
export function hasSpin(): boolean {
  return [
    ['spin', '-V'],
    ['gcc', '--version'],
  ].every(([command, arg]) => spawnSync(command as string, [arg as string]).status === 0);
}

/** Explore the whole space: the time of the compiled verifier alone, and with making and compiling it. */
export function spinRows(size: Size): readonly Row[] {
  const folder = mkdtempSync(join(tmpdir(), 'punch-race-'));
  try {
    const { pages, readers, fixed, fair } = size;
    const defines = [`-DPAGES=${pages}`, `-DREADERS=${readers}`, `-DFIXED=${+fixed}`, `-DFAIR=${+fair}`];
    const make = `spin ${defines.join(' ')} -a "$0" && gcc -O2 -w -o pan pan.c`;
    const report = run(folder, 'sh', ['-c', `${make} && times && ./pan -m10000 -w22 && times`, MODEL]);
    const errors = /errors: (\d+)/.exec(report)?.[1];
    if (errors !== (fixed ? '0' : '1'))
      throw new Error(`SPIN disagrees about ${JSON.stringify(size)}: ${report}`);
    const states = Number(/(\d+) states, stored/.exec(report)?.[1]);
    const [made, whole] = childSeconds(report) as readonly [number, number];
    const row = { ...size, traces: states, executions: 1, blocked: 0 };
    const rates = { executionsPerSecond: null, stepsPerSecond: null, bareStepsPerSecond: null };
    return [
      { name: 'SPIN (states)', ...row, cpuSeconds: whole - made, ...rates },
      { name: 'SPIN with its compilation', ...row, cpuSeconds: whole, ...rates },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
