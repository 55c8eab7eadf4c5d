/**
 * A replayed token as a trace in the JSON format of Chrome, which https://ui.perfetto.dev opens.
 *
 * A task is a thread, a step a slice. Slices of a thread must nest, and lock holds do not: they are asynchronous. Who waited
 * for whom is a flow.
 *
 * @see https://perfetto.dev/docs/getting-started/other-formats
 */
import type { CheckTrace } from '@fsport/conformance';
import type { Where } from '../failure-text.js';
import { holdsOf, wakeUpsOf } from './holds.js';

/** Microseconds from one step to the next: the model has no time. */
const STEP = 10;
/** Microseconds that a step is shown to take. */
const LASTS = 8;
const PID = 1;

type Event = Readonly<Record<string, unknown>> & { readonly ts: number };

/**
 * A trace for Perfetto.
 *
 * @param trace - What was replayed.
 * @param where - Filesystem and profile.
 */
export function perfettoJson(trace: CheckTrace, { fs, profile }: Where): string {
  const { check, failure, tasks, steps } = trace;
  const threads = new Map(tasks.map(({ name }, i) => [name, i + 1]));
  const tidOf = (step: number): number => threads.get(steps[step]?.task ?? '') ?? 0;
  const at = (step: number): number => step * STEP;
  const thread = (tid: number | undefined, name: string, args: object): Event => {
    return { ph: 'M', cat: '__metadata', name, pid: PID, tid: tid ?? 0, ts: 0, args };
  };
  const heads = [
    thread(0, 'process_name', { name: `${fs} ${profile}: ${check.id}` }),
    ...tasks.flatMap(({ name, title }) => {
      const tid = threads.get(name);
      return [
        thread(tid, 'thread_name', { name: `${name} ${title}` }),
        thread(tid, 'thread_sort_index', { sort_index: tid }),
      ];
    }),
  ];
  const slices = steps.map(({ text, result, access, object, clock }, i): Event => {
    const args = { step: i + 1, ...(result === '' ? {} : { result }), object, access, clock };
    return { ph: 'X', cat: access, name: text, pid: PID, tid: tidOf(i), ts: at(i), dur: LASTS, args };
  });
  const preemptions = steps.flatMap(({ preempted }, i): Event[] => {
    if (!preempted) return [];
    return [{ ph: 'i', cat: 'sched', name: 'preempted', s: 't', pid: PID, tid: tidOf(i), ts: at(i) + LASTS }];
  });
  const holds = holdsOf(trace).flatMap(({ lock, mode, task, from, to }, id): Event[] => {
    const both = { cat: 'lock', name: `${lock} ${mode === 'X' ? 'exclusive' : 'shared'}`, id, pid: PID };
    const tid = threads.get(task);
    return [
      { ...both, ph: 'b', tid, ts: at(from) + LASTS, args: { task } },
      { ...both, ph: 'e', tid, ts: Math.max(at(to), at(from) + LASTS) },
    ];
  });
  const flows = wakeUpsOf(trace).flatMap(({ from, to }, id): Event[] => {
    const both = { cat: 'wakeup', name: 'wakeup', id, pid: PID };
    return [
      { ...both, ph: 's', tid: tidOf(from), ts: at(from) },
      { ...both, ph: 'f', bp: 'e', tid: tidOf(to), ts: at(to) },
    ];
  });
  const bad = failure?.at ?? null;
  const marks: Event[] =
    failure === null
      ? []
      : [
          {
            ph: 'i',
            cat: 'failure',
            name: failure.property,
            s: 'g',
            pid: PID,
            tid: bad === null ? 0 : tidOf(bad),
            ts: at(bad ?? steps.length - 1) + LASTS,
            args: { message: failure.message, because: failure.because },
          },
        ];
  const events = [...slices, ...preemptions, ...holds, ...flows, ...marks].sort((a, b) => a.ts - b.ts);
  const about = { fs, profile, check: check.id, token: failure?.token ?? null, time: 'one step is 10 us' };
  const text = { traceEvents: [...heads, ...events], displayTimeUnit: 'ns', otherData: about };
  return `${JSON.stringify(text, null, 1)}\n`;
}
