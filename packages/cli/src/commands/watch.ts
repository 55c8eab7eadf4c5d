/** `fsport watch`: whenever a filesystem changes, its last failure first, then its quick checks. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { watch as watchFiles } from 'chokidar';
import { Command } from 'commander';
import { callSelf } from '../child.js';
import { discover, type Plugin } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { interruptible } from '../interruptible.js';
import { listed, notEmpty } from '../options.js';
import { hasRun, mustBeWritable, readRun } from '../results.js';
import { mustBeGroup } from '../selection.js';

interface Flags {
  readonly group: readonly string[];
  readonly results: string;
}

/** How long files must have been still before a run begins, milliseconds: a compiler writes many. */
const STILL_MS = 200;

/** The command. */
export function watchCommand(ended: (status: number) => void): Command {
  return new Command('watch')
    .description(
      'run checks whenever a filesystem is compiled anew: its last failure first; until interrupted',
    )
    .argument('[fs...]', 'filesystems (default: all)')
    .option('-g, --group <names>', 'groups of checks, separated by commas', (text) => listed(text), ['quick'])
    .option('--results <folder>', 'folder of results', notEmpty, 'results')
    .action(async (names: string[], flags: Flags) => {
      await interruptible((stop) => watch(names, flags, stop));
      ended(EXIT.interrupted);
    });
}

async function watch(names: readonly string[], flags: Flags, stop: AbortSignal): Promise<void> {
  for (const name of flags.group) mustBeGroup(name, '--group');
  mustBeWritable(flags.results);
  const all = await discover(process.cwd());
  const plugins = names.length === 0 ? all.all() : names.map((name) => all.get(name));
  const waiting = new Set(plugins);
  let wake = (): void => undefined;
  const files = watchFiles(plugins.flatMap(filesOf), {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: STILL_MS, pollInterval: 50 },
  });
  files.on('all', (_, path) => {
    for (const plugin of plugins)
      if (filesOf(plugin).some((one) => path.startsWith(one))) waiting.add(plugin);
    wake();
  });
  stop.addEventListener('abort', () => wake());
  try {
    while (!stop.aborted) {
      const [plugin] = waiting;
      if (plugin === undefined) {
        process.stdout.write('\nWaiting for a change; Ctrl-C ends.\n');
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      waiting.delete(plugin);
      await round(plugin, flags, stop);
    }
  } finally {
    await files.close();
  }
}

/** What a filesystem is made of: its compiled modules, and what it declares. */
function filesOf({ module, folder }: Plugin): readonly string[] {
  return [dirname(fileURLToPath(module)), join(folder, 'expected.json')];
}

async function round({ fs }: Plugin, { group, results }: Flags, stop: AbortSignal): Promise<void> {
  const failed = lastFailure(fs.name, results);
  if (failed !== null) {
    process.stdout.write(`\nThe last failure of ${fs.name}:\n`);
    await callSelf(['replay', fs.name, failed.token, '--profile', failed.profile], stop);
  }
  if (stop.aborted) return;
  await callSelf(['run', fs.name, '--group', group.join(','), '--results', results], stop);
}

/** The first failure of a filesystem in the last run that was not declared. */
function lastFailure(
  fs: string,
  results: string,
): { readonly token: string; readonly profile: string } | null {
  for (const one of hasRun(results) ? readRun(results) : []) {
    if (one.fs === fs && !one.ok && one.token !== null) return { token: one.token, profile: one.profile };
  }
  return null;
}
