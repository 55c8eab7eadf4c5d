/** The command line: commands and options, and nothing of what they do. */
import { Command } from 'commander';
import { auditCommand } from './commands/audit.js';
import { aborting, bisectRunCommand } from './commands/bisect-run.js';
import { diffCommand } from './commands/diff.js';
import { doctorCommand } from './commands/doctor.js';
import { explainCommand } from './commands/explain.js';
import { listCommand } from './commands/list.js';
import { matrixCommand } from './commands/matrix.js';
import { mergeCommand } from './commands/merge.js';
import { newCommand } from './commands/new.js';
import { replayCommand } from './commands/replay.js';
import { runCommand } from './commands/run.js';
import { selftestCommand } from './commands/selftest.js';
import { watchCommand } from './commands/watch.js';
import { workerCommand } from './commands/worker.js';
import { applyConfig, findConfig } from './config.js';
import { EXAMPLES } from './examples.js';
import { ownVersion } from './versions.js';

/** What the command can end with, in words. */
export const EXIT_STATUS = `Exit status: 0 all as expected, 1 an unexpected verdict, 2 a verdict is unknown and not declared so,
3 usage, 4 internal error, 130 interrupted. The worst one counts: 4 > 1 > 2 > 0.`;

const EPILOGUE = `
${EXIT_STATUS}
Options may follow names; -- ends options. fsport.config.ts sets options for all calls.`;

/**
 * Build the command line.
 *
 * @param ended - Told the exit status of a command that has ended.
 */
export function createProgram(ended: (status: number) => void): Command {
  const program = explained(new Command('fsport'))
    .description('Explore every interleaving of a filesystem model and say what breaks.')
    .version(ownVersion())
    .exitOverride()
    .addHelpText('after', EPILOGUE);
  for (const command of [
    runCommand,
    listCommand,
    replayCommand,
    explainCommand,
    diffCommand,
    auditCommand,
    matrixCommand,
    mergeCommand,
    workerCommand,
    watchCommand,
    newCommand,
    doctorCommand,
    selftestCommand,
    bisectRunCommand,
  ]) {
    program.addCommand(settled(command(ended), program));
  }
  const run = program.commands.find((command) => command.name() === 'run') as Command;
  program.commands.find((command) => command.name() === 'bisect-run')?.exitOverride(aborting);
  program.hook('preAction', async (_, command) => {
    const config = await findConfig(process.cwd());
    if (config !== null) applyConfig(config, run, command);
  });
  return program;
}

/** A command whose errors say whose they are and where to look. */
function explained(command: Command, path?: string): Command {
  const all =
    path === undefined
      ? 'fsport --help" prints all commands'
      : `fsport ${path} --help" prints its arguments, options and an example`;
  return command.showHelpAfterError(`"${all}.`).configureOutput({
    outputError: (text, write) => {
      const [, flag] = /unknown option '(--[^=]+)=/.exec(text) ?? [];
      const isSwitch = command.options.some(({ long }) => long === flag);
      write(isSwitch ? `fsport: option '${flag}' takes no value\n` : text.replace(/^error: /, 'fsport: '));
    },
  });
}

/** A command, and those below it, that fail and print like the one above, and show how they are called. */
function settled(command: Command, parent: Command, path = command.name()): Command {
  command.copyInheritedSettings(parent);
  explained(command, path);
  const example = EXAMPLES[path];
  if (example !== undefined) command.addHelpText('after', `\nExample: ${example}`);
  for (const below of command.commands) settled(below, command, `${path} ${below.name()}`);
  return command;
}
