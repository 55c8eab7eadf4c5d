/** The command line: commands and options, and nothing of what they do. */
import { Command } from 'commander';
import { explainCommand } from './commands/explain.js';
import { listCommand } from './commands/list.js';
import { matrixCommand } from './commands/matrix.js';
import { mergeCommand } from './commands/merge.js';
import { replayCommand } from './commands/replay.js';
import { runCommand } from './commands/run.js';
import { workerCommand } from './commands/worker.js';
import { ownVersion } from './versions.js';

const EPILOGUE = `
Exit status: 0 all as expected, 1 an unexpected verdict, 2 a verdict is unknown and not declared so,
3 usage, 4 internal error, 130 interrupted. The worst one counts: 4 > 1 > 2 > 0.
Options may follow names; -- ends options.`;

/**
 * Build the command line.
 *
 * @param ended - Told the exit status of a command that has ended.
 */
export function createProgram(ended: (status: number) => void): Command {
  const program = new Command('fsport')
    .description('Explore every interleaving of a filesystem model and say what breaks.')
    .version(ownVersion())
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'fsport: ')) })
    .showHelpAfterError('"fsport --help" prints all commands and options.')
    .addHelpText('after', EPILOGUE);
  for (const command of [
    runCommand,
    listCommand,
    replayCommand,
    explainCommand,
    matrixCommand,
    mergeCommand,
    workerCommand,
  ]) {
    program.addCommand(command(ended).copyInheritedSettings(program));
  }
  return program;
}
