/** How all text is laid out: 100 columns, stable bytes, colour only when asked for. */
import Table from 'cli-table3';
import picocolors from 'picocolors';
import wrapAnsi from 'wrap-ansi';

/** Columns of the text output. Only command lines, which are made to be pasted, may be longer. */
export const WIDTH = 100;

/** How to write text. */
export interface TextOptions {
  /** With ANSI colours? */
  readonly color: boolean;
  /** With the times of checks? Without, two runs give the same bytes. */
  readonly times: boolean;
}

/** For files: no colours, no times. */
export const PLAIN_TEXT: TextOptions = { color: false, times: false };

/** The colours, or functions that change nothing. */
export function palette({ color }: Pick<TextOptions, 'color'>): ReturnType<typeof picocolors.createColors> {
  return picocolors.createColors(color);
}

/** `1,000,000`, whatever the locale. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1 preemption`, `2 preemptions`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/**
 * Text behind a label, wrapped, with the lines after the first one as far in as the first.
 *
 * @param label - What stands before the text, with its padding.
 * @param text - The text.
 * @param plain - The label without colour codes, if it has any.
 */
export function hanging(label: string, text: string, plain = label): string {
  const indent = ' '.repeat(plain.length);
  // A word that is longer than a line is cut: better than a line that the terminal cuts.
  const lines = wrapAnsi(text, Math.max(WIDTH - plain.length, 1), { hard: true }).split('\n');
  return lines.map((line, i) => `${i === 0 ? label : indent}${line}`.trimEnd()).join('\n');
}

/** A table without lines. */
const BARE = {
  chars: {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
};

/** Cells below each other, as wide as they need. */
export function columns(rows: readonly (readonly string[])[]): string {
  const table = new Table(BARE);
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
