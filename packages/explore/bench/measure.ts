// How things are measured: CPU time of this process, least of several rounds, because other programs can only make a
// round slower.

/** What a piece of work did. */
export interface Work {
  /** Steps taken. */
  readonly steps: number;
  /** Executions that ended. */
  readonly executions: number;
  /** Executions given up as repetitions. */
  readonly blocked: number;
}

/** The same with the time it took. */
export interface Measured extends Work {
  readonly cpuSeconds: number;
}

/** The fastest of several rounds. */
export function best(rounds: number, work: () => Work): Measured {
  let fastest: Measured | null = null;
  for (let round = 0; round < rounds; round++) {
    const begin = process.cpuUsage();
    const done = work();
    const { user, system } = process.cpuUsage(begin);
    const cpuSeconds = (user + system) / 1e6;
    if (fastest === null || cpuSeconds < fastest.cpuSeconds) fastest = { ...done, cpuSeconds };
  }
  return fastest as Measured;
}

const BARE_STEPS = 400_000;
const TASKS = 4;
const TASK_STEPS = 20;

/**
 * The floor under every search: driving generators, one `next()` per step, through three levels of `yield*` like the
 * steps of the scenario.
 */
export function bare(): Work {
  const point = { done: false as const, value: 0 };
  const leaf = {
    [Symbol.iterator]: () => ({
      announced: false,
      next(): IteratorResult<number, number> {
        if (this.announced) return { done: true, value: 1 };
        this.announced = true;
        return point;
      },
    }),
  };
  function* inner(): Generator<number, number, unknown> {
    return yield* leaf as Iterable<number> as Generator<number, number, unknown>;
  }
  function* outer(): Generator<number, number, unknown> {
    let sum = 0;
    for (let i = 0; i < TASK_STEPS; i++) sum += yield* inner();
    return sum;
  }
  let steps = 0;
  let executions = 0;
  while (steps < BARE_STEPS) {
    executions++;
    const running = Array.from({ length: TASKS }, outer);
    for (let live = true; live; ) {
      live = false;
      for (const task of running) {
        if (task.next().done === true) continue;
        live = true;
        steps++;
      }
    }
  }
  return { steps, executions, blocked: 0 };
}
