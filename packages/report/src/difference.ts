/**
 * What is wrong with a verdict, as fstests shows it: the difference between what is declared and what was found, and the
 * command that shows it again. Both are so short that nothing is ever left out.
 */

/** A verdict that is not as declared, and the files in which both are kept. */
export interface Difference {
  /** What is declared, a line for each fact, the verdict first. */
  readonly out: string;
  /** What was found. */
  readonly bad: string;
  /** Where what is declared is kept. */
  readonly outPath: string;
  /** Where what was found is kept. */
  readonly badPath: string;
}

/** A path as a shell takes it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

function linesOf(text: string): readonly string[] {
  return text.trimEnd().split('\n');
}

/**
 * A difference, and the command that shows it.
 *
 * Facts come in one order, and after the first that differs none is the same: so that is where the difference begins.
 *
 * @param difference - The difference.
 */
export function differenceText({ out, bad, outPath, badPath }: Difference): string {
  const declared = linesOf(out);
  const found = linesOf(bad);
  const begin = declared.findIndex((line, index) => line !== found[index]);
  const same = begin < 0 ? declared.length : begin;
  return [
    ...declared.slice(0, same).map((line) => ` ${line}`),
    ...declared.slice(same).map((line) => `-${line}`),
    ...found.slice(same).map((line) => `+${line}`),
    `diff -u ${quoted(outPath)} ${quoted(badPath)}`,
  ]
    .map((line) => `    ${line}`)
    .join('\n');
}
