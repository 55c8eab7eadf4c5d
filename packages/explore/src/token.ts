/**
 * Replay tokens: a schedule as one line of text that a person can read and paste anywhere.
 *
 * `page-cache/punch-vs-read@1:p1r6p1~0c5e91.5f3a91c2` says: in this check, `p` runs one step, `r` six, `p`
 * one more. `!2` after a run is the alternative picked by a choice in its last step; `b0` is a task that is
 * there and never runs, and `@1-r2-page3:` says that `r2` and `page3` are left out. After the `~` come two
 * digits per run and eight for the whole, of a hash over what the steps did, so that a token that no longer
 * fits is refused with the place where it stops fitting. Without that part (someone wrote or shortened the
 * schedule by hand) nothing is compared, and what the schedule leaves open is run without preemptions.
 */
import { type Ending, UsageError } from '@fsport/core';

/** One step of a recorded execution. */
export interface RecordedStep {
  /** Name of the task in tokens: its letter, and capital letters for tasks spawned by it. */
  readonly task: string;
  /** Heading of the task for people, such as `pread(2)`. */
  readonly title: string;
  /** Kernel spelling of the operation. */
  readonly verb: string;
  /** The object touched, `null` for a local step. */
  readonly object: string | null;
  /** What it turned out to do to the object: a name from `ACCESS_NAMES`. */
  readonly access: string;
  /** The result, ready to print; empty if there is nothing to say. */
  readonly result: string;
  /** The alternative picked, `-1` if there was none to pick. */
  readonly choice: number;
  /** Was another task run next although this one could have gone on? */
  readonly preempted: boolean;
}

/** A run of steps of one task. */
export interface TokenRun {
  /** Name of the task. */
  readonly task: string;
  /** Number of steps, at least 1. */
  readonly count: number;
  /** The alternative picked in the last of them, `-1` if there was none to pick. */
  readonly choice: number;
}

/** A token, taken apart. */
export interface Token {
  /** Check id. */
  readonly check: string;
  /** Names of what is left out of the check. */
  readonly cuts: readonly string[];
  /** The schedule. */
  readonly runs: readonly TokenRun[];
  /** Tasks that are there and never run, because they are blocked or because it ends too soon. */
  readonly idle: readonly string[];
  /** Two hexadecimal digits per run; empty if the token carries no digest. */
  readonly checkpoints: readonly string[];
  /** Eight hexadecimal digits over the whole execution; `null` if the token carries no digest. */
  readonly digest: string | null;
}

/** What an execution looks like in a token. */
export interface Fingerprint {
  /** The schedule as runs. */
  readonly runs: readonly TokenRun[];
  /** Two hexadecimal digits per run. */
  readonly checkpoints: readonly string[];
  /** Eight hexadecimal digits over everything, including how it ended. */
  readonly digest: string;
}

type Parts = readonly [string, string, string, string, string, string];

const FORMAT = 1;
const MAKE_ANOTHER = 'Run the check again to get a token that fits.';

/**
 * Write a schedule as a token.
 *
 * @param check - Check id.
 * @param steps - What the execution did.
 * @param ending - How it ended.
 * @param idle - Names of root tasks that were there and never ran.
 * @param cuts - Names of what was left out.
 */
export function encodeToken(
  check: string,
  steps: readonly RecordedStep[],
  ending: Ending['kind'],
  idle: readonly string[] = [],
  cuts: readonly string[] = [],
): string {
  const { runs, checkpoints, digest } = fingerprint(steps, ending);
  return `${openToken(check, runs, idle, cuts)}~${checkpoints.join('')}.${digest}`;
}

/**
 * Write a schedule as a token without a digest: what it leaves open is run without preemptions.
 *
 * @param check - Check id.
 * @param runs - The schedule.
 * @param idle - Names of other root tasks that are there.
 * @param cuts - Names of what is left out.
 */
export function openToken(
  check: string,
  runs: readonly TokenRun[],
  idle: readonly string[],
  cuts: readonly string[],
): string {
  const text = runs.map((run) => `${run.task}${run.count}${run.choice < 0 ? '' : `!${run.choice}`}`).join('');
  const waiting = idle.map((task) => `${task}0`).join('');
  const without = cuts.map((cut) => `-${cut}`).join('');
  return `${check}@${FORMAT}${without}:${text}${waiting}`;
}

/**
 * Read a token.
 *
 * @param text - The token.
 * @returns Its parts.
 * @throws UsageError `BAD_TOKEN` if it cannot be read, `OLD_TOKEN` if it has another format.
 */
export function parseToken(text: string): Token {
  const trimmed = text.trim();
  const parts = /^([^@\s]+)@(\d+)([a-z]?)((?:-[\w.]+)*):(.*)$/s.exec(trimmed);
  if (parts === null) throw bad(trimmed, 0, 'it does not begin like <check>@1:');
  const [, check, format, variant, without, rest] = parts as unknown as Parts;
  const cuts = without.split('-').slice(1);
  if (format !== String(FORMAT) || variant !== '') {
    throw new UsageError(
      'OLD_TOKEN',
      { token: trimmed, format: `${format}${variant}` },
      `The token ${trimmed} has format ${format}${variant}; this version reads format ${FORMAT}. ${MAKE_ANOTHER}`,
    );
  }
  const start = trimmed.length - rest.length;
  const tilde = rest.indexOf('~');
  const all = parseRuns(trimmed, start, tilde < 0 ? rest : rest.slice(0, tilde));
  const runs = all.filter((run) => run.count > 0);
  const idle = all.filter((run) => run.count === 0).map((run) => run.task);
  if (tilde < 0) return { check, cuts, runs, idle, checkpoints: [], digest: null };
  const digests = /^((?:[0-9a-f]{2})*)\.([0-9a-f]{8})$/.exec(rest.slice(tilde + 1));
  if (digests === null) {
    throw bad(
      trimmed,
      start + tilde + 1,
      'after the ~ it must have two hexadecimal digits per run, a dot and eight more',
    );
  }
  const [, pairs, digest] = digests as unknown as [string, string, string];
  const checkpoints = pairs.match(/../g) ?? [];
  if (checkpoints.length !== runs.length) {
    const counts = `${runs.length} runs and ${checkpoints.length} checkpoints`;
    throw bad(trimmed, start + tilde + 1, `it has ${counts}; a part of it is missing`);
  }
  return { check, cuts, runs, idle, checkpoints, digest };
}

function parseRuns(token: string, start: number, text: string): readonly TokenRun[] {
  const runs: TokenRun[] = [];
  const pattern = /([a-z][A-Z]*)(\d+)(?:!(\d+))?/y;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw bad(token, start + at, 'expected a task and a number of steps, such as p12');
    const [, task, count, choice] = match as unknown as [string, string, string, string | undefined];
    const steps = Number(count);
    if (steps > 1_000_000) throw bad(token, start + at, `${count} is no number of steps`);
    runs.push({ task, count: steps, choice: choice === undefined ? -1 : Number(choice) });
  }
  return runs;
}

function bad(token: string, position: number, what: string): UsageError {
  const shown =
    token === ''
      ? 'The token is empty'
      : `The token ${token} cannot be read: ${what}, at character ${position + 1}`;
  const advice = 'Copy it whole, from the check name to the last digit; it contains no spaces.';
  return new UsageError('BAD_TOKEN', { token, position }, `${shown}. ${advice}`);
}

/**
 * Work out what an execution looks like in a token.
 *
 * @param steps - What it did.
 * @param ending - How it ended.
 */
export function fingerprint(steps: readonly RecordedStep[], ending: string): Fingerprint {
  const runs: TokenRun[] = [];
  const checkpoints: string[] = [];
  let hash = OFFSET;
  for (let i = 0; i < steps.length; ) {
    const { task } = steps[i] as RecordedStep;
    let count = 0;
    let choice = -1;
    for (; i < steps.length && steps[i]?.task === task && choice < 0; i++) {
      const step = steps[i] as RecordedStep;
      hash = absorb(hash, `${step.task} ${step.verb} ${step.object ?? ''} ${step.access}`);
      choice = step.choice;
      count++;
    }
    runs.push({ task, count, choice });
    checkpoints.push(hex(hash).slice(0, 2));
  }
  return { runs, checkpoints, digest: hex(absorb(hash, ending)) };
}

const OFFSET = 0x811c9dc5;

/** FNV-1a, over UTF-16 code units, with a separator after each text. */
function absorb(hash: number, text: string): number {
  let h = hash;
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x1f;
    h = Math.imul(h ^ (code & 0xff), 0x01000193);
    if (code > 0xff) h = Math.imul(h ^ (code >>> 8), 0x01000193);
  }
  return h;
}

/** The last multiplication of FNV-1a barely reaches the upper bits: mix before printing. */
function hex(hash: number): string {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0).toString(16).padStart(8, '0');
}
