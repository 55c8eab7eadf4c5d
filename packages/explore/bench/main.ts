// Benchmarks of the search, and the same race in other tools.
//
//   npm run bench            a table
//   npm run bench -- --json  the same as JSON
//   npm run bench -- --quick without the sizes that take more than a second
//
// Absolute times depend on the machine; what can be compared is a ratio of two lines of one run. The floor under
// every search is driving generators: what a step of a modelled kernel thread costs before the model or the search
// does anything.

import { parseArgs } from 'node:util';
import { EventLog, Execution, Identity } from '@fsport/core';
import { DporStrategy, PosStrategy, type Strategy, search, TraceSet } from '@fsport/explore';
import { punchRace } from '@fsport/explore/selftest';
import { bare, best, type Measured, type Work } from './measure.js';
import { fastCheckRow } from './peers/fast-check.js';
import { hasSpin, spinRows } from './peers/spin.js';
import type { Row, Size } from './row.js';

const { values: flags } = parseArgs({ options: { json: { type: 'boolean' }, quick: { type: 'boolean' } } });

const SAMPLES = 5_000;
const ALL = Number.POSITIVE_INFINITY;

function size(pages: number, readers: number, fixed: boolean, fair = false): Size {
  return { pages, readers, fixed, fair };
}

const SMALL = [
  size(2, 1, true),
  size(2, 1, false),
  size(3, 1, true),
  size(3, 1, false),
  size(2, 1, true, true),
];
const MIDDLE = [size(2, 2, true)];
const LARGE = flags.quick === true ? [] : [size(3, 2, true), size(2, 2, false), size(2, 2, true, true)];
const BROKEN = [size(2, 1, false), size(3, 1, false), size(2, 2, false), size(3, 2, false)];

function explore(what: Size, strategy: Strategy, limit: number, look?: (execution: Execution) => void): Work {
  const scenario = punchRace(what);
  const options = { identity: new Identity(), maxSteps: 5_000, events: new EventLog() };
  let steps = 0;
  let executions = 0;
  let blocked = 0;
  while (executions + blocked < limit && strategy.newExecution()) {
    const execution = new Execution(options);
    scenario.start(execution);
    const ending = execution.run(strategy);
    strategy.executed(execution, ending);
    steps += execution.events.count;
    if (ending.kind === 'abandoned') blocked++;
    else {
      executions++;
      look?.(execution);
    }
  }
  return { steps, executions, blocked };
}

function tracesOf(what: Size, strategy: Strategy, limit: number): number {
  const traces = new TraceSet();
  explore(what, strategy, limit, (execution) => traces.add(execution));
  return traces.size;
}

const floor = best(10, bare);

function row(name: string, what: Size, traces: number | null, measured: Measured): Row {
  const { executions, blocked, cpuSeconds, steps } = measured;
  return {
    ...{ name, ...what, traces, executions, blocked, cpuSeconds },
    executionsPerSecond: Math.round((executions + blocked) / cpuSeconds),
    stepsPerSecond: Math.round(steps / cpuSeconds),
    bareStepsPerSecond: Math.round(floor.steps / floor.cpuSeconds),
  };
}

function enumerate(name: string, what: Size, cutRetries: boolean): Row {
  const rounds = SMALL.includes(what) ? 20 : LARGE.includes(what) ? 2 : 5;
  const measured = best(rounds, () => explore(what, new DporStrategy({ cutRetries }), ALL));
  return row(name, what, tracesOf(what, new DporStrategy({ cutRetries }), ALL), measured);
}

function sample(what: Size): Row {
  const measured = best(5, () => explore(what, new PosStrategy(1), SAMPLES));
  return row('pos', what, tracesOf(what, new PosStrategy(1), SAMPLES), measured);
}

function firstError(what: Size): Row {
  const measured = best(5, () => {
    const { foundAt, longest } = search(punchRace(what), { shrink: false });
    if (foundAt === 0) throw new Error('auto did not find the race');
    return { executions: foundAt, blocked: 0, steps: foundAt * longest };
  });
  return { ...row('auto, first error', what, null, measured), stepsPerSecond: null };
}

const rows: Row[] = [
  ...[...SMALL, ...MIDDLE, ...LARGE].map((what) => enumerate('dpor', what, false)),
  ...[...MIDDLE, ...LARGE.slice(0, 1)].map((what) => enumerate('dpor, retries cut', what, true)),
  ...MIDDLE.map(sample),
  ...BROKEN.map(firstError),
];
for (const what of [size(2, 1, true), size(2, 2, true)])
  rows.push(await fastCheckRow('fast-check', what, SAMPLES));
for (const what of BROKEN) rows.push(await fastCheckRow('fast-check, first error', what, 20_000));
if (hasSpin()) rows.push(...[...SMALL, ...MIDDLE, ...LARGE].filter(({ fixed }) => fixed).flatMap(spinRows));

if (flags.json === true) console.log(JSON.stringify(rows, null, 2));
else {
  console.table(
    rows.map(({ name, pages, readers, fixed, fair, ...measured }) => ({
      what: `${name} (${pages},${readers})${fixed ? '' : ' broken'}${fair ? ' fair' : ''}`,
      traces: measured.traces,
      executions: measured.executions,
      blocked: measured.blocked,
      'CPU s': Number(measured.cpuSeconds.toFixed(4)),
      'executions/s': measured.executionsPerSecond,
      'of generators alone':
        measured.stepsPerSecond === null || measured.bareStepsPerSecond === null
          ? null
          : Number((measured.stepsPerSecond / measured.bareStepsPerSecond).toFixed(3)),
    })),
  );
}
