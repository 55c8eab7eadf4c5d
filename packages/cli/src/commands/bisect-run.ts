/** `fsport bisect-run`: one check as `git bisect run` needs it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { callSelf } from '../child.js';
import { EXIT } from '../exit-status.js';
import { interruptible } from '../interruptible.js';
import { duration, notEmpty, whole } from '../options.js';

/** What git bisect understands: this commit cannot be tested; and, above 127, stop. */
const SKIP = 125;
const ABORT = 128;

interface Flags {
  readonly profile?: string;
  readonly maxExecutions?: number;
  readonly time?: number;
}

/** The command. */
export function bisectRunCommand(ended: (status: number) => void): Command {
  return new Command('bisect-run')
    .description('run one check for "git bisect run": 0 good, 1 bad, 125 cannot be tested, 128 a wrong call')
    .argument('<fs>', 'filesystem')
    .argument('<check>', 'check')
    .option('-s, --profile <name>', 'profile (default: all that the filesystem follows)', notEmpty)
    .option('--max-executions <n>', 'executions; the commit is skipped beyond (default: 1000000)', whole(1))
    .option('--time <time>', 'time, such as 5m; the commit is skipped beyond (default: no limit)', duration)
    .action(async (fs: string, check: string, flags: Flags) => ended(await bisect(fs, check, flags)));
}

/** An error of the command line that must end the bisection: with any status up to 127, git would call it bad. */
export function aborting(error: CommanderError): never {
  throw new CommanderError(error.exitCode === 0 ? 0 : ABORT, error.code, error.message);
}

async function bisect(fs: string, check: string, { profile, maxExecutions, time }: Flags): Promise<number> {
  // Nothing is left in the tree that is bisected.
  const results = mkdtempSync(join(tmpdir(), 'fsport-bisect-'));
  const limits = [
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(maxExecutions === undefined ? [] : ['--max-executions', String(maxExecutions)]),
    ...(time === undefined ? [] : ['--time', `${time}s`]),
  ];
  try {
    const args = ['run', ...limits, '--results', results, '--', fs, check];
    return verdictOf(await interruptible((stop) => callSelf(args, stop)));
  } finally {
    rmSync(results, { recursive: true });
  }
}

/** A commit with an unknown verdict, a broken package or a broken fsport is neither good nor bad. */
function verdictOf(status: number): number {
  return status === EXIT.ok || status === EXIT.unexpected || status > ABORT ? status : SKIP;
}
