/** Installs and builds a new package, and runs the suite on it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from './home.js';

interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** What makes a new package run, in this order. */
export function firstRun(name: string, { repository }: Home): readonly Command[] {
  if (repository === null) {
    return [
      { program: 'npm', args: ['install'] },
      { program: 'npm', args: ['run', 'conformance'] },
    ];
  }
  const root = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    readonly config: { readonly pnpm: string };
  };
  return [
    { program: 'npx', args: ['--yes', `pnpm@${root.config.pnpm}`, 'install'] },
    { program: 'node', args: ['scripts/build.mjs'] },
    { program: 'node', args: ['packages/cli/bin/fsport.js', 'run', name] },
  ];
}

/**
 * Run commands up to the first that fails; their output is shown.
 *
 * @returns The one that failed, `null` if none did.
 */
export function runAll(commands: readonly Command[], { repository, folder }: Home): string | null {
  for (const { program, args } of commands) {
    const line = [program, ...args].join(' ');
    process.stdout.write(`\n$ ${line}\n`);
    // On Windows the commands of npm are scripts and need a shell.
    const shell = process.platform === 'win32';
    const { status } = spawnSync(program, args, { cwd: repository ?? folder, stdio: 'inherit', shell });
    if (status !== 0) return line;
  }
  return null;
}
