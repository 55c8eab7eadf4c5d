/**
 * Names that survive from one execution to the next: each (creator, how many it had created) pair, and each
 * (owner, key) pair for members of a shared array, gets one dense number per search, so that tables can be
 * arrays. Never a global counter.
 */

/** A table that hands out the next number for each new pair. */
class Pairs {
  readonly #rows: number[][] = [];
  readonly #next: () => number;
  constructor(next: () => number) {
    this.#next = next;
  }
  get(a: number, b: number): number {
    let row = this.#rows[a];
    if (row === undefined) {
      row = [];
      this.#rows[a] = row;
    }
    let id = row[b];
    if (id === undefined) {
      id = this.#next();
      row[b] = id;
    }
    return id;
  }
}

/** Interns identities for one search. */
export class Identity {
  #taskCount = 0;
  #objectCount = 0;
  readonly #tasks = new Pairs(() => this.#taskCount++);
  readonly #objects = new Pairs(() => this.#objectCount++);
  readonly #members = new Pairs(() => this.#objectCount++);

  /**
   * @param parent - Key of the creator, `-1` for the set-up.
   * @param nth - How many tasks it had created before.
   * @returns The task's key.
   */
  taskKey(parent: number, nth: number): number {
    return this.#tasks.get(parent + 1, nth);
  }

  /**
   * @param task - Key of the creating task, `-1` for the set-up.
   * @param nth - How many objects it had created before.
   * @returns The object's id.
   */
  objectId(task: number, nth: number): number {
    return this.#objects.get(task + 1, nth);
  }

  /**
   * @param owner - Id of the shared array.
   * @param index - Index in it.
   * @returns The member's id, whoever touches it first.
   */
  memberId(owner: number, index: number): number {
    return this.#members.get(owner, index);
  }

  /** Number of different objects seen so far; ids are below it. */
  get objectCount(): number {
    return this.#objectCount;
  }

  /** Number of different tasks seen so far; keys are below it. */
  get taskCount(): number {
    return this.#taskCount;
  }
}
