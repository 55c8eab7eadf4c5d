/**
 * Long searches in files, so that a run that dies in the middle of a check does not begin it anew: the legs that have
 * ended, and what those have seen that have not.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Checkpoints, SearchCheckpoint } from '@fsport/explore';
import type { KeptLegs } from './agenda.js';
import type { LegEnded, Work } from './work.js';

/** Where a search is kept, and how often. */
export interface CheckpointFile {
  /** Its path. */
  readonly path: string;
  /** Milliseconds between two checkpoints, at least. */
  readonly every: number;
}

interface Content {
  readonly search: SearchCheckpoint;
  readonly seconds: number;
}

/** Keeps a search in a file. */
export class KeptSearch implements Checkpoints {
  readonly from: SearchCheckpoint | null;
  /** Wall-clock time before this process went on with it. */
  readonly secondsBefore: number;
  readonly #file: CheckpointFile;
  readonly #began = performance.now();
  #last = this.#began;

  /** @param file - Where. */
  constructor(file: CheckpointFile) {
    this.#file = file;
    const content = read(file.path) as Content | null;
    this.from = content?.search ?? null;
    this.secondsBefore = content?.seconds ?? 0;
  }

  readonly due = (): boolean => performance.now() - this.#last >= this.#file.every;

  readonly save = (search: SearchCheckpoint): void => {
    const { path } = this.#file;
    const seconds = this.secondsBefore + (performance.now() - this.#began) / 1000;
    const content: Content = { search, seconds };
    write(path, content);
    this.#last = performance.now();
  };
}

/** Keeps the legs of the jobs of a run in folders. */
export class KeptLegFiles implements KeptLegs {
  readonly #folderOf: (work: Work) => string;

  /** @param folderOf - The folder of a job. */
  constructor(folderOf: (work: Work) => string) {
    this.#folderOf = folderOf;
  }

  /** Path of the file in which the search of a leg is kept while it runs. */
  searchOf(work: Work): string {
    // Names of legs grow with the depth of the division.
    const name = createHash('sha256').update(work.name).digest('hex').slice(0, 32);
    return join(this.#folderOf(work), `${name}.json`);
  }

  keep(work: Work, ended: LegEnded): void {
    write(this.#endOf(work), ended);
    rmSync(this.searchOf(work), { force: true });
  }

  read(work: Work): LegEnded | null {
    return read(this.#endOf(work)) as LegEnded | null;
  }

  #endOf(work: Work): string {
    return `${this.searchOf(work)}.end`;
  }
}

function write(path: string, content: unknown): void {
  mkdirSync(dirname(path), { recursive: true });
  // Half a file would be worse than an old one.
  writeFileSync(`${path}.new`, JSON.stringify(content));
  renameSync(`${path}.new`, path);
}

/** What a file says, `null` if it is not there or nobody can read it. */
function read(path: string): unknown {
  // Asked first, because most are not there, and to fail takes longer.
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}
