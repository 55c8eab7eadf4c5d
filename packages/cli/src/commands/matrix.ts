/** `fsport matrix`: the verdict matrix of the last run. */
import { CHECKS, matrixOf } from '@fsport/conformance';
import { matrixText } from '@fsport/report';
import { Command } from 'commander';
import { EXIT } from '../exit-status.js';
import { readRun } from '../results.js';
import { textOptions } from '../terminal.js';

interface Flags {
  readonly json?: boolean;
  readonly results: string;
}

/** The command. */
export function matrixCommand(ended: (status: number) => void): Command {
  return new Command('matrix')
    .description('print the verdict matrix of the last run')
    .option('--json', 'as JSON')
    .option('--results <folder>', 'folder of results', 'results')
    .action(({ json, results }: Flags) => {
      const matrix = matrixOf(readRun(results), CHECKS);
      const text = json === true ? JSON.stringify(matrix, null, 2) : matrixText(matrix, textOptions());
      process.stdout.write(`${text}\n`);
      ended(EXIT.ok);
    });
}
