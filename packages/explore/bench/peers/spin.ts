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

/** What the `times` of a shell says about its children, at the end of a text: user and system time. */
function childSeconds(text: string): number {
  const spent = [...text.matchAll(/(\d+)m([\d.]+)s/g)].slice(-2);
  return spent.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/** Is it there? */
export function hasSpin(): boolean {
  return [
    ['spin', '-V'],
    ['gcc', '--version'],
  ].every(([command, arg]) => spawnSync(command as string, [arg as string]).status === 0);
}

/** Explore the whole space; the time is that of the compiled verifier alone. */
export function spinRow(size: Size): Row {
  const folder = mkdtempSync(join(tmpdir(), 'punch-race-'));
  try {
    const { pages, readers, fixed, fair } = size;
    const defines = [`-DPAGES=${pages}`, `-DREADERS=${readers}`, `-DFIXED=${+fixed}`, `-DFAIR=${+fair}`];
    run(folder, 'spin', [...defines, '-a', MODEL]);
    run(folder, 'gcc', ['-O2', '-w', '-o', 'pan', 'pan.c']);
    const report = run(folder, 'sh', ['-c', './pan -m10000 -w22; times']);
    const errors = /errors: (\d+)/.exec(report)?.[1];
    if (errors !== (fixed ? '0' : '1'))
      throw new Error(`SPIN disagrees about ${JSON.stringify(size)}: ${report}`);
    const states = Number(/(\d+) states, stored/.exec(report)?.[1]);
    const cpuSeconds = childSeconds(report);
    return {
      ...{ name: 'SPIN (states)', ...size, traces: states, executions: 1, blocked: 0, cpuSeconds },
      ...{ executionsPerSecond: null, stepsPerSecond: null, bareStepsPerSecond: null },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
