/**
 * Names that survive from one execution to the next: each (creator, how many it had created) pair, and each
 * (owner, key) pair for members of a shared array, gets one dense number per search, so that tables can be
 * arrays. Never a global counter.
 */

/** What was handed out so far, in order: enough to hand out the same in another process. */
export interface IdentitySnapshot {
  /** For each task: creator and number. */
  readonly tasks: readonly (readonly [number, number])[];
  /** For each object: creator and number, or owner, index and `1`. */
  readonly objects: readonly (readonly [number, number, 0 | 1])[];
}

/** A table that hands out the next number for each new pair. */
class Pairs {
  readonly #rows: number[][] = [];
  readonly #next: (a: number, b: number) => number;
  constructor(next: (a: number, b: number) => number) {
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
      id = this.#next(a, b);
      row[b] = id;
    }
    return id;
  }
}

/** Interns identities for one search. */
export class Identity {
  readonly #taskList: (readonly [number, number])[] = [];
  readonly #objectList: (readonly [number, number, 0 | 1])[] = [];
  readonly #tasks = new Pairs((a, b) => this.#taskList.push([a, b]) - 1);
  readonly #objects = new Pairs((a, b) => this.#objectList.push([a, b, 0]) - 1);
  readonly #members = new Pairs((a, b) => this.#objectList.push([a, b, 1]) - 1);

  /** @param snapshot - What another one has handed out; by default nothing. */
  constructor(snapshot: IdentitySnapshot = { tasks: [], objects: [] }) {
    for (const [parent, nth] of snapshot.tasks) this.#tasks.get(parent, nth);
    for (const [a, b, member] of snapshot.objects) (member === 1 ? this.#members : this.#objects).get(a, b);
  }

  /** What was handed out so far. */
  snapshot(): IdentitySnapshot {
    return { tasks: [...this.#taskList], objects: [...this.#objectList] };
  }

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
    return this.#objectList.length;
  }

  /** Number of different tasks seen so far; keys are below it. */
  get taskCount(): number {
    return this.#taskList.length;
  }
}
