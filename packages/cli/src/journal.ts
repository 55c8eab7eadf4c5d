/**
 * The journal of a run: one line with its plan, then one line for each check that has come to its end, written before
 * anyone is told. A run that dies leaves at most half a line, at the end; what stands before it is what had finished.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Ended } from './engine.js';
import type { Plan } from './plan.js';

/** A job that has come to its end. */
export interface Finished extends Omit<Ended, 'broken'> {
  /** Its name. */
  readonly job: string;
}

/** What a journal says. */
export interface Journaled {
  /** The plan. */
  readonly plan: Plan;
  /** What had finished, each job once. */
  readonly finished: readonly Finished[];
}

/** Writes a journal. It stays open: a run whose journal was replaced writes to the old one, which nobody reads. */
export class Journal {
  readonly #file: number;

  private constructor(file: number) {
    this.#file = file;
  }

  /** Begin a journal in place of the one that may be there. */
  static begin(path: string, plan: Plan): Journal {
    const file = openSync(`${path}.new`, 'w');
    writeFileSync(file, `${JSON.stringify(plan)}\n`);
    renameSync(`${path}.new`, path);
    return new Journal(file);
  }

  /** Go on with a journal. */
  static goOn(path: string): Journal {
    const { length } = wholeLines(path);
    const file = openSync(path, 'r+');
    ftruncateSync(file, length);
    closeSync(file);
    return new Journal(openSync(path, 'a'));
  }

  /** A job has come to its end. */
  add(finished: Finished): void {
    writeFileSync(this.#file, `${JSON.stringify(finished)}\n`);
  }

  /** Nothing follows. */
  close(): void {
    closeSync(this.#file);
  }
}

/**
 * Read a journal.
 *
 * @returns `null` if there is none, or none that this version reads.
 */
export function readJournal(path: string): Journaled | null {
  let lines: string[];
  try {
    lines = wholeLines(path).toString('utf8').split('\n').slice(0, -1);
  } catch {
    return null;
  }
  const [plan, ...rest] = lines.map(parsed);
  if ((plan as Partial<Plan> | null | undefined)?.format !== 1) return null;
  const finished = new Map<string, Finished>();
  for (const one of rest as (Finished | null)[]) {
    if (one !== null && !finished.has(one.job)) finished.set(one.job, one);
  }
  return { plan: plan as Plan, finished: [...finished.values()] };
}

/** What a file holds up to its last end of line. */
function wholeLines(path: string): Buffer {
  const bytes = readFileSync(path);
  return bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
