/** Asks on the terminal for what a flag could have said. */
import { createInterface } from 'node:readline/promises';

/**
 * Ask.
 *
 * @param question - What.
 * @param otherwise - The answer if there is none.
 */
export async function ask(question: string, otherwise: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = (await terminal.question(`${question} (${otherwise}): `)).trim();
    return answer === '' ? otherwise : answer;
  } finally {
    terminal.close();
  }
}

/** Is there somebody to ask? */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}
