/**
 * A failure as the message of a kernel commit describes a race: what happens on which CPU, then why that is wrong. What an
 * interrupt does is on the CPU of the task it belongs to.
 *
 * @see Documentation/process/submitting-patches.rst (v5.15)
 */
import type { CheckTrace, TracedStep } from '@fsport/conformance';
import wrapAnsi from 'wrap-ansi';
import { replayCommand, type Where } from '../failure-text.js';
import { holdsOf } from './holds.js';

/** A message is read in terminals of 80 columns, and indented there. */
const WIDTH = 72;
const INDENT = 2;
const HANG = 2;

/**
 * Steps that say nothing about the race: taking and dropping a lock while nobody else runs.
 */
function quiet(trace: CheckTrace): ReadonlySet<number> {
  const { steps } = trace;
  const silent = new Set<number>();
  for (const { task, from, to, lock } of holdsOf(trace)) {
    const alone = steps.slice(from, to + 1).every((step) => step.task === task);
    if (!alone || steps[to]?.object !== lock || steps[from]?.object !== lock) continue;
    if (steps[from]?.preempted === true || steps[to]?.preempted === true) continue;
    silent.add(from);
    silent.add(to);
  }
  return silent;
}

function paragraph(text: string): string {
  return wrapAnsi(text, WIDTH, { hard: true });
}

/** One of several, below each other. */
function item(text: string): string {
  return wrapAnsi(text, WIDTH - HANG, { hard: true })
    .replaceAll(/^/gm, ' '.repeat(HANG))
    .replace(/^ /, '-');
}

function cell(offset: number, text: string): string[] {
  const room = WIDTH - offset - HANG;
  // A call that is too long for one line is broken before its arguments.
  const words = text.split(' ').map((word) => (word.length > room ? word.replace('(', ' (') : word));
  const lines = wrapAnsi(words.join(' '), room, { hard: true }).split('\n');
  return lines.map((line, i) => `${' '.repeat(i === 0 ? offset : offset + HANG)}${line}`);
}

/** `a, b and c`. */
function enumerated(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

function drawing(trace: CheckTrace): string[] {
  const roots = trace.tasks.filter(
    ({ spawnedAt, name }) => spawnedAt < 0 && trace.steps.some(({ task }) => task.charAt(0) === name),
  );
  const width = Math.floor((WIDTH - INDENT) / Math.max(roots.length, 1));
  const offsetOf = (task: string): number =>
    INDENT +
    width *
      Math.max(
        roots.findIndex(({ name }) => task.startsWith(name)),
        0,
      );
  const beside = (texts: readonly string[]): string =>
    `${' '.repeat(INDENT)}${texts.map((text) => text.slice(0, width - 1).padEnd(width)).join('')}`.trimEnd();
  const lines = [beside(roots.map((_, cpu) => `CPU${cpu}`)), beside(roots.map(({ title }) => title)), ''];
  const silent = quiet(trace);
  let before: TracedStep | null = null;
  for (const [i, step] of trace.steps.entries()) {
    if (silent.has(i)) continue;
    const offset = offsetOf(step.task);
    if (step.task.length > 1 && before?.task !== step.task) lines.push(...cell(offset, `<${step.title}>`));
    lines.push(...cell(offset, `${step.text}  ${step.result}`.trimEnd()));
    before = step;
  }
  return lines;
}

/**
 * A failure in the form of a commit message.
 *
 * @param trace - What was replayed.
 * @param where - Filesystem and profile.
 */
export function changelogText(trace: CheckTrace, where: Where): string {
  const { failure, tasks } = trace;
  const callers = tasks.filter(({ spawnedAt }) => spawnedAt < 0).map(({ title }) => title);
  const between = callers.length === 1 ? `in ${callers[0]}` : `between ${enumerated(callers)}`;
  const drawn = drawing(trace);
  // Here steps have no numbers.
  const reasons = (failure?.because ?? []).map((reason) =>
    item(reason.replaceAll(/ (?:in|after) steps? \d+(?:(?:,| and| to) \d+)*/g, '')),
  );
  if (failure === null) {
    return `${[paragraph(`${where.fs}: no race ${between} in this order`), '', ...drawn].join('\n')}\n`;
  }
  const hints = failure.hints.map((hint) => paragraph(`${hint.charAt(0).toUpperCase()}${hint.slice(1)}.`));
  const token =
    failure.token === '' ? [] : ['', 'To see it again:', '', `  ${replayCommand(where, failure.token)}`];
  return `${[
    paragraph(`${where.fs}: ${failure.property.replaceAll('-', ' ')} ${between}`),
    '',
    paragraph(`As of ${where.profile}, the following order of steps is possible:`),
    '',
    ...drawn,
    '',
    paragraph(`Then ${failure.message}.`),
    ...(reasons.length === 0 ? [] : ['', 'This is because', '', ...reasons]),
    ...(hints.length === 0 ? [] : ['', ...hints]),
    ...token,
  ].join('\n')}\n`;
}
