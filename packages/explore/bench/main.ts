// Benchmarks of the search. Run with `npm run bench`.
//
// The floor under every search is driving generators: what a step of a modelled kernel thread costs before
// the model or the search does anything. So each line is compared with that, measured in the same process.
// Times are the least of several rounds, because other programs can only make a round slower.

import { EventLog, Execution, Identity } from '@fsport/core';
import { DporStrategy, PosStrategy, type Scenario, type Strategy } from '@fsport/explore';
import { Bench } from 'tinybench';

interface PunchRace {
  readonly pages: number;
  readonly readers: number;
  readonly fixed: boolean;
}

const { punchRace } = (await import(
  new URL('../dist-test/fixtures/punch-race.js', import.meta.url).href
)) as { punchRace: (size: PunchRace) => Scenario };

const ROUNDS = 8;
const BARE_STEPS = 400_000;
const TASKS = 4;
const TASK_STEPS = 20;

interface Work {
  readonly steps: number;
  readonly executions: number;
}

interface Measurement extends Work {
  readonly seconds: number;
}

/** One `next()` per step, through three levels of `yield*` like the steps of the scenario. */
function bare(): Work {
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
  return { steps, executions };
}

/** A small search is over before it can be measured: run it many times. */
function many(times: number, measure: () => Work): Work {
  const all = Array.from({ length: times }, measure);
  const sum = (of: (one: Work) => number): number => all.reduce((total, one) => total + of(one), 0);
  return { steps: sum((m) => m.steps), executions: sum((m) => m.executions) };
}

function explore(size: PunchRace, strategy: Strategy, limit: number): Work {
  const scenario = punchRace(size);
  const options = { identity: new Identity(), maxSteps: 5_000, events: new EventLog() };
  let steps = 0;
  let executions = 0;
  while (executions < limit && strategy.newExecution()) {
    const execution = new Execution(options);
    scenario.start(execution);
    strategy.executed(execution, execution.run(strategy));
    steps += execution.events.count;
    executions++;
  }
  return { steps, executions };
}

/** The fastest of several rounds. */
function best(measure: () => Work): Measurement {
  let last = measure();
  const bench = new Bench({ iterations: ROUNDS, time: 0, warmup: false });
  bench.add('round', () => {
    last = measure();
  });
  const [task] = bench.runSync();
  if (task?.result.state !== 'completed')
    throw new Error(`the round did not complete: ${task?.result.state}`);
  return { ...last, seconds: task.result.latency.min / 1000 };
}

const small = { pages: 2, readers: 1, fixed: true };
const large = { pages: 2, readers: 2, fixed: true };
const all = Number.POSITIVE_INFINITY;
const floor = best(bare);
const perSecond = ({ steps, seconds }: Measurement): number => steps / seconds;

const lines: readonly (readonly [string, Measurement])[] = [
  ['generators alone', floor],
  ['dpor, punch race (2,1)', best(() => many(50, () => explore(small, new DporStrategy(), all)))],
  ['dpor, punch race (2,2)', best(() => explore(large, new DporStrategy(), all))],
  ['pos, punch race (2,2)', best(() => explore(large, new PosStrategy(1), 5_000))],
];
console.table(
  lines.map(([what, measured]) => ({
    what,
    executions: measured.executions,
    seconds: Number(measured.seconds.toFixed(4)),
    'executions/s': Math.round(measured.executions / measured.seconds),
    'steps/s': Math.round(perSecond(measured)),
    'of generators alone': Number((perSecond(measured) / perSecond(floor)).toFixed(3)),
  })),
);
