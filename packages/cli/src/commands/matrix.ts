/** `fsport matrix`: the verdict matrix of the last run. */
import { CHECKS, matrixOf, type VerdictMatrix } from '@fsport/conformance';
import { matrixMarkdown, matrixText } from '@fsport/report';
import { Command, Option } from 'commander';
import { EXIT } from '../exit-status.js';
import { notEmpty } from '../options.js';
import { readRun } from '../results.js';
import { textOptions } from '../terminal.js';

interface Flags {
  readonly json?: boolean;
  readonly markdown?: boolean;
  readonly results: string;
}

/** The command. */
export function matrixCommand(ended: (status: number) => void): Command {
  return new Command('matrix')
    .description('print the verdict matrix of the last run')
    .option('--json', 'as JSON')
    .addOption(new Option('--markdown', 'as a table in Markdown').conflicts('json'))
    .option('--results <folder>', 'folder of results', notEmpty, 'results')
    .action((flags: Flags) => {
      process.stdout.write(`${written(matrixOf(readRun(flags.results), CHECKS), flags)}\n`);
      ended(EXIT.ok);
    });
}

function written(matrix: VerdictMatrix, { json, markdown }: Flags): string {
  if (json === true) return JSON.stringify(matrix, null, 2);
  return markdown === true ? matrixMarkdown(matrix) : matrixText(matrix, textOptions());
}
