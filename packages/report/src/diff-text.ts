/** One schedule on two filesystems, or two profiles of one: where they part, and what each does. */
import type { Followed, ShownStep } from '@fsport/conformance';
import wrapAnsi from 'wrap-ansi';
import type { Where } from './failure-text.js';
import { counted, hanging, palette, type TextOptions, WIDTH } from './layout.js';

/** One side of a comparison. */
export interface Side {
  /** Filesystem and profile. */
  readonly where: Where;
  /** What it made of the schedule. */
  readonly followed: Followed;
}

const MARGIN = 10;
const GAP = 2;
/** Steps that are shown before the two part, and from there on. */
const BEFORE = 3;
const AFTER = 12;

function titleOf({ where }: Side): string {
  return `${where.fs} ${where.profile}`;
}

function textOf(step: ShownStep | undefined): string {
  return step === undefined ? '(no step)' : `${step.text}  ${step.result}`.trimEnd();
}

/**
 * Index of the first step in which two filesystems part.
 *
 * @returns `-1` if they do the same to the end.
 */
export function partingOf(left: Followed, right: Followed): number {
  const most = Math.max(left.steps.length, right.steps.length);
  for (let i = 0; i < most; i++) {
    const [a, b] = [left.steps[i], right.steps[i]];
    if (a?.task !== b?.task || textOf(a) !== textOf(b)) return i;
  }
  return -1;
}

/** How a side came to its end. */
function endOf({ steps, failure, obstacle }: Followed): string {
  if (obstacle !== null) return `cannot follow the schedule beyond step ${steps.length}: ${obstacle}`;
  return failure === null ? 'nothing is wrong' : `${failure.property}: ${failure.message}`;
}

/** Two texts beside each other. */
function beside(margin: string, left: string, right: string): string[] {
  const width = Math.floor((WIDTH - MARGIN) / 2) - GAP;
  const [a, b] = [left, right].map((text) => wrapAnsi(text, width, { hard: true }).split('\n')) as [
    string[],
    string[],
  ];
  return Array.from({ length: Math.max(a.length, b.length) }, (_, i) => {
    const cells = `${(a[i] ?? '').padEnd(width + GAP)}${b[i] ?? ''}`;
    return `${(i === 0 ? margin : '').padEnd(MARGIN)}${cells}`.trimEnd();
  });
}

/**
 * A comparison.
 *
 * @param left - One side.
 * @param right - The other.
 * @param options - Colours.
 */
export function diffText(left: Side, right: Side, options: TextOptions): string {
  const c = palette(options);
  const at = partingOf(left.followed, right.followed);
  const [a, b] = [left.followed.steps, right.followed.steps];
  const head = `${c.bold(left.followed.check.id)}  ${titleOf(left)} and ${titleOf(right)}`;
  const ends = [left, right].map((side) => hanging(`  ${titleOf(side)}: `, endOf(side.followed)));
  if (at < 0)
    return [head, '', `  They do the same in all ${counted(a.length, 'step')}.`, '', ...ends].join('\n');
  const first = Math.max(at - BEFORE, 0);
  const last = Math.min(Math.max(a.length, b.length), at + AFTER);
  const rows: string[] = [];
  for (let i = first; i < last; i++) {
    const [x, y] = [a[i], b[i]];
    const same = x?.task === y?.task && textOf(x) === textOf(y);
    const tasks = [...new Set([x?.task, y?.task])].filter((task) => task !== undefined).join('/');
    const margin = `${String(i + 1).padStart(5)}${i === at ? ' >' : '  '} ${tasks}`;
    rows.push(...beside(margin, textOf(x), same ? '(the same)' : textOf(y)));
  }
  const rest = Math.max(a.length, b.length) - last;
  const who = a[at]?.title ?? b[at]?.title ?? '';
  return [
    head,
    '',
    `  They part in step ${at + 1}, in ${who}.`,
    '',
    ...beside('', titleOf(left), titleOf(right)),
    '',
    ...rows,
    ...(rest > 0 ? [`${' '.repeat(MARGIN)}... ${counted(rest, 'more step')} ...`] : []),
    '',
    ...ends,
  ].join('\n');
}
