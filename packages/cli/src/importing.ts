/**
 * Imports modules that may never come to an end. A module that computes for ever leaves this thread no time to look at a
 * clock: another one does, and makes V8 end what is computing.
 */
import { Worker } from 'node:worker_threads';
import { PATIENCE_SECONDS } from './watchdog.js';

/** Longer than {@link PATIENCE_SECONDS}, so that a module that only waits is given up here. */
const SPINNING_MS = (PATIENCE_SECONDS + 1) * 1000;

/**
 * What the other thread does: unless the number that it watches has changed in time, what this one computes is ended. 0 is
 * the last number. It is source so that it needs no loader, which would take as long as all imports together.
 */
const GUARD = `
const { workerData: { imports, ms } } = require('node:worker_threads');
for (let seen = 1; seen !== 0; seen = Atomics.load(imports, 0)) {
  if (Atomics.wait(imports, 0, seen, ms) !== 'timed-out') continue;
  const session = new (require('node:inspector').Session)();
  session.connectToMainThread();
  session.post('Runtime.terminateExecution');
  session.disconnect();
}`;

/** A module that was still being imported after {@link PATIENCE_SECONDS}. */
export class NeverEnds extends Error {
  constructor() {
    super(
      `importing it has not come to an end in ${PATIENCE_SECONDS} s: look for a loop or an await that never ends`,
    );
  }
}

/** Imports modules one after another, so that the one that does not come to an end is known. */
export class Imports {
  /** How many have begun, and one more; 0 when there are no more. */
  readonly #imports = new Int32Array(new SharedArrayBuffer(4)).fill(1);

  private constructor() {
    const workerData = { imports: this.#imports, ms: SPINNING_MS };
    new Worker(GUARD, { eval: true, workerData }).unref();
  }

  /**
   * Import some modules.
   *
   * @param body - Imports them.
   */
  static async during<T>(body: (imports: Imports) => Promise<T>): Promise<T> {
    const imports = new Imports();
    try {
      return await body(imports);
    } finally {
      imports.#tell(0);
    }
  }

  /**
   * Import a module. The one before must have come to its end.
   *
   * @param module - Its URL.
   * @returns What it exports.
   * @throws NeverEnds, or what the module throws.
   */
  async import(module: string): Promise<object> {
    this.#tell(Atomics.load(this.#imports, 0) + 1);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new NeverEnds()), PATIENCE_SECONDS * 1000);
    });
    try {
      return (await Promise.race([import(module), late])) as object;
    } finally {
      clearTimeout(timer);
    }
  }

  #tell(imports: number): void {
    Atomics.store(this.#imports, 0, imports);
    Atomics.notify(this.#imports, 0);
  }
}
