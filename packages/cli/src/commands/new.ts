/** `fsport new`: begin a filesystem, a check or a strategy. */
import { CHECKS } from '@fsport/conformance';
import { createCheck, createFsCommand, createStrategy } from '@fsport/create-fs';
import { STRATEGIES } from '@fsport/explore';
import { Command } from 'commander';
import { EXIT } from '../exit-status.js';
import { listed } from '../options.js';
import { mustBeGroup } from '../selection.js';

interface Flags {
  readonly overwrite?: boolean;
}

interface CheckFlags extends Flags {
  readonly group: readonly string[];
}

/** The command. */
export function newCommand(ended: (status: number) => void): Command {
  return new Command('new')
    .description('begin a filesystem, a check or a strategy')
    .addCommand(createFsCommand('fs', ended))
    .addCommand(newCheck(ended))
    .addCommand(newStrategy(ended));
}

function newCheck(ended: (status: number) => void): Command {
  return new Command('check')
    .description('make a check, in the repository of fsport')
    .argument('<id>', '<area>/<workload>, such as race/write-vs-punch')
    .option('-g, --group <names>', 'groups it belongs to', (text) => listed(text), ['auto'])
    .option('--overwrite', 'write over a check of that id')
    .action((id: string, { group, overwrite = false }: CheckFlags) => {
      for (const name of group) mustBeGroup(name, '--group');
      createCheck(id, { groups: group, overwrite }, new Set(CHECKS.map((one) => one.id)), process.cwd());
      ended(EXIT.ok);
    });
}

function newStrategy(ended: (status: number) => void): Command {
  return new Command('strategy')
    .description('make a search strategy, in the repository of fsport')
    .argument('<name>', 'its name, such as greedy')
    .option('--overwrite', 'write over a strategy of that name')
    .action((name: string, { overwrite = false }: Flags) => {
      createStrategy(name, overwrite, new Set(['auto', ...Object.keys(STRATEGIES)]), process.cwd());
      ended(EXIT.ok);
    });
}
