/** The command `create-fs`, which `npm create @fsport/fs` runs. */
import { UsageError } from '@fsport/core';
import { CommanderError } from 'commander';
import { createFsCommand } from './command.js';

/**
 * Run the command.
 *
 * @param args - Arguments without the interpreter and the script.
 * @returns The exit status: 0, 1 the first run failed, 3 usage.
 * @throws Any error that is ours.
 */
export async function main(args: readonly string[]): Promise<number> {
  let status = 0;
  const command = createFsCommand('create-fs', (ended) => {
    status = ended;
  });
  command.exitOverride().configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'fsport: ')),
  });
  try {
    await command.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 3;
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`fsport: ${error.message}\n`);
    return 3;
  }
  return status;
}
