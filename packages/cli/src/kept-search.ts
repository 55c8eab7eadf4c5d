/** A long search in a file, so that a run that dies in the middle of a check does not begin it anew. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Checkpoints, SearchCheckpoint } from '@fsport/explore';

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
    const content = read(file.path);
    this.from = content?.search ?? null;
    this.secondsBefore = content?.seconds ?? 0;
  }

  readonly due = (): boolean => performance.now() - this.#last >= this.#file.every;

  readonly save = (search: SearchCheckpoint): void => {
    const { path } = this.#file;
    const seconds = this.secondsBefore + (performance.now() - this.#began) / 1000;
    const content: Content = { search, seconds };
    mkdirSync(dirname(path), { recursive: true });
    // Half a file would be worse than an old one.
    writeFileSync(`${path}.new`, JSON.stringify(content));
    renameSync(`${path}.new`, path);
    this.#last = performance.now();
  };
}

function read(path: string): Content | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Content;
  } catch {
    return null;
  }
}
