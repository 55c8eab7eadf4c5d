// Writes docs/cli.md from the option table of the command. With --check nothing is written, and the status says whether
// the page is current. Build first.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXAMPLES } from '../packages/cli/dist/examples.js';
import { createProgram, EXIT_STATUS } from '../packages/cli/dist/program.js';
import { generated, table } from './generated.mjs';

const PAGE = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'cli.md');

/** What is taken if nothing is given. */
function defaultOf({ defaultValue, defaultValueDescription, negate }) {
  if (negate || defaultValue === undefined) return '';
  return defaultValueDescription ?? [defaultValue].flat().join(', ');
}

function section(command, path) {
  const options = command.options.map((option) => {
    const choices = option.argChoices === undefined ? '' : `: ${option.argChoices.join(', ')}`;
    return [`\`${option.flags}\``, `${option.description}${choices}`, defaultOf(option)];
  });
  const given = command.registeredArguments.map((one) => [
    `\`${one.variadic ? `${one.name()}...` : one.name()}\``,
    `${one.description}${one.required ? '' : ' (may be left out)'}`,
  ]);
  const below = command.commands.flatMap((one) => section(one, `${path} ${one.name()}`));
  const example = EXAMPLES[path];
  return [
    `${path.includes(' ') ? '###' : '##'} fsport ${path}`,
    '',
    `${command.description().charAt(0).toUpperCase()}${command.description().slice(1)}.`,
    '',
    ...(example === undefined ? [] : ['```', example, '```', '']),
    ...(given.length === 0 ? [] : table(['Argument', 'Meaning'], given)),
    ...(options.length === 0 ? [] : table(['Option', 'Meaning', 'Default'], options)),
    ...below,
  ];
}

const commands = createProgram(() => undefined).commands;
const now = [
  '# The command line',
  '',
  'Every command, with an example, its arguments and options. Generated from the option table of the command by',
  '`node scripts/cli-docs.mjs`; do not edit. What results, shards and queues are is in the README of `@fsport/cli`.',
  '',
  EXIT_STATUS,
  'Options may follow names; `--` ends options. `fsport.config.ts` sets options for all calls; a flag wins.',
  '',
  ...commands.flatMap((command) => section(command, command.name())),
].join('\n');
generated(PAGE, now, 'node scripts/cli-docs.mjs');
