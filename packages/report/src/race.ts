/**
 * A failing schedule, drawn as kernel changelogs draw a race: a column for each task, a line for each step, so
 * that the eye falls from one column into the other where the tasks change.
 *
 * Every line has text in one column only, which may run on to the right. That keeps columns close together when
 * there are many of them.
 */
import type { ShownStep } from '@fsport/conformance';
import wrapAnsi from 'wrap-ansi';
import { counted, palette, type TextOptions, WIDTH } from './layout.js';

/** Where the first column begins, to the right of the step numbers. */
const MARGIN = 8;
/** Space between the widest cell and the next column, if there is room. */
const GAP = 3;
/** Columns are at least so far apart, even if cells have to be wrapped then. */
const CLOSEST = 12;
/** Room for the last column, however many there are. */
const LAST = 28;
/** Steps shown at either end of a schedule that is longer than both: a livelock repeats itself in between. */
const SHOWN = 100;
/** Lines after the first one of a cell begin so far in. */
const HANG = 2;

interface Column {
  readonly title: string;
  readonly tasks: Set<string>;
  width: number;
}

/** What to point at. */
export interface Mark {
  /** Index of the step. */
  readonly at: number;
  /** What to say below it. */
  readonly text: string;
}

/** A column for each task; what one task left to interrupts, such as the ends of its reads, shares one. */
function keyOf({ task, title }: ShownStep): string {
  return task.length === 1 ? task : `${task.charAt(0)} ${title}`;
}

function columnsOf(steps: readonly ShownStep[]): ReadonlyMap<string, Column> {
  const columns = new Map<string, Column>();
  for (const step of steps) {
    const key = keyOf(step);
    const column = columns.get(key) ?? { title: step.title, tasks: new Set<string>(), width: 0 };
    column.tasks.add(step.task);
    column.width = Math.max(column.width, `${step.text}  ${step.result}`.trimEnd().length);
    columns.set(key, column);
  }
  return columns;
}

/** How far apart columns begin: as far as the widest needs, unless the last ones would not fit then. */
function distanceOf(columns: readonly Column[]): number {
  const others = columns.length - 1;
  if (others < 1) return 0;
  const wanted = Math.max(...columns.slice(0, -1).map(({ width, title }) => Math.max(width, title.length)));
  const room = columns.slice(1).map(({ width }, i) => Math.floor((WIDTH - MARGIN - HANG - width) / (i + 1)));
  return Math.min(
    Math.max(Math.min(wanted + GAP, ...room), CLOSEST),
    Math.floor((WIDTH - MARGIN - LAST) / others),
  );
}

/** The heads of the columns: what each task does, and its name in the token. */
function headOf(columns: readonly Column[], distance: number): string[] {
  const last = columns.length - 1;
  const heads = columns.map(({ title, tasks }, i) => {
    const room = i === last ? WIDTH - MARGIN - i * distance : distance - GAP;
    // A call that is too long for one line is broken before its arguments.
    const words = title.split(' ').map((word) => (word.length > room ? word.replace('(', ' (') : word));
    return [...wrapAnsi(words.join(' '), room, { hard: true }).split('\n'), [...tasks].join(' ')];
  });
  const height = Math.max(...heads.map((head) => head.length));
  return Array.from({ length: height }, (_, row) => {
    // The name of the task stands in the last line, however long the titles are.
    const cells = heads.map((head) => (row === height - 1 ? head.at(-1) : head.slice(0, -1)[row]) ?? '');
    return `${' '.repeat(MARGIN)}${cells.map((cell) => cell.padEnd(distance)).join('')}`.trimEnd();
  });
}

/** A cell, over as many lines as it needs. */
function placed(margin: string, offset: number, text: string): string[] {
  const lines = wrapAnsi(text, WIDTH - offset - HANG, { hard: true }).split('\n');
  return lines.map((line, i) => `${(i === 0 ? margin : '').padEnd(i === 0 ? offset : offset + HANG)}${line}`);
}

/**
 * Steps in columns.
 *
 * @param steps - All of them, in order; of very many, the middle is left out.
 * @param mark - The step at which it went wrong, `null` if none stands out.
 * @param options - Colours.
 */
export function columnsText(
  steps: readonly ShownStep[],
  mark: Mark | null,
  options: Pick<TextOptions, 'color'>,
): string {
  const c = palette(options);
  const byKey = columnsOf(steps);
  const columns = [...byKey.values()];
  const keys = [...byKey.keys()];
  const distance = distanceOf(columns);
  const lines = [...headOf(columns, distance).map((line) => c.bold(line)), ''];
  for (const [i, step] of steps.entries()) {
    if (i === SHOWN && steps.length > 2 * SHOWN) {
      lines.push(`${' '.repeat(MARGIN)}... ${counted(steps.length - 2 * SHOWN, 'step')} left out ...`);
    }
    if (i >= SHOWN && i < steps.length - SHOWN && mark?.at !== i) continue;
    const offset = MARGIN + keys.indexOf(keyOf(step)) * distance;
    const bad = mark?.at === i;
    const text = bad ? c.red(step.text) : step.text;
    const cell = step.result === '' ? text : `${text}  ${c.dim(step.result)}`;
    lines.push(...placed(`${String(i + 1).padStart(5)}${bad ? ' >' : ''}`, offset, cell));
    if (bad) lines.push(...placed('', offset, c.red(`^^^ ${mark.text}`)));
    if (step.preempted) lines.push(...placed('', offset, c.yellow('--- preempted ---')));
  }
  return lines.join('\n');
}
