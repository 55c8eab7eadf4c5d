/** From arguments to an exit status. */
import { EXIT, explain, statusOfError } from './exit-status.js';
import { createProgram } from './program.js';

/**
 * Run the command.
 *
 * @param args - Arguments without the interpreter and the script.
 * @returns The exit status: 0 as expected, 1 an unexpected verdict, 2 unknown, 3 usage, 4 internal error, 130 interrupted.
 */
export async function main(args: readonly string[]): Promise<number> {
  process.setSourceMapsEnabled(true);
  // Whoever reads our output may stop reading: "fsport list | head".
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  let status: number = EXIT.ok;
  try {
    const program = createProgram((ended) => {
      status = ended;
    });
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    status = statusOfError(error);
    process.stderr.write(explain(error));
  }
  return status;
}
