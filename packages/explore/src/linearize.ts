/**
 * The order of the events of one trace that has the fewest preemptions.
 *
 * A state is how far each task has got and which one ran last; going on with another task costs one if the
 * last one could have gone on. Shortest path by breadth, cheapest states first, smaller task first among
 * equals, so the result does not depend on the order in which the trace was found.
 */
import {
  type Access,
  AwaitStep,
  dependent,
  type Execution,
  type HistoryEntry,
  type Step,
  type TaskStruct,
} from '@fsport/core';
import type { ScheduleStep } from './schedule.js';
import { scheduleOf } from './schedule.js';
import { eventsConflict } from './trace-set.js';

const MAX_EVENTS = 400;
const MAX_STATES = 100_000;

interface Node {
  readonly cut: readonly number[];
  readonly last: number;
  readonly from: Node | null;
}

/**
 * Reorder the independent events of an execution.
 *
 * @param execution - The execution.
 * @returns A schedule of the same trace; the one it had if the trace is too large to look for a better one.
 */
export function fewestPreemptions(execution: Execution): readonly ScheduleStep[] {
  const original = scheduleOf(execution);
  if (original.length > MAX_EVENTS) return original;
  const trace = new TraceView(execution);
  const found = shortest(trace);
  if (found === null) return original;
  const order: number[] = [];
  for (let node: Node | null = found; node !== null && node.last >= 0; node = node.from) {
    order.push((trace.lanes[node.last] as number[])[(node.cut[node.last] as number) - 1] as number);
  }
  return order.reverse().map((event) => original[event] as ScheduleStep);
}

function shortest(trace: TraceView): Node | null {
  const start: Node = { cut: trace.lanes.map(() => 0), last: -1, from: null };
  let level: Node[] = [start];
  const seen = new Set<string>();
  while (level.length > 0) {
    const costly: Node[] = [];
    const free = level.reverse(); // a stack: the first of the level is explored first
    for (let node = free.pop(); node !== undefined; node = free.pop()) {
      const key = `${node.last}:${node.cut.join()}`;
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > MAX_STATES) return null;
      if (node.cut.every((count, task) => count === (trace.lanes[task] as number[]).length)) return node;
      const preempts = node.last >= 0 && trace.couldGoOn(node.cut, node.last);
      for (let task = trace.lanes.length - 1; task >= 0; task--) {
        if (!trace.ready(node.cut, task)) continue;
        const cut = node.cut.with(task, (node.cut[task] as number) + 1);
        const next: Node = { cut, last: task, from: node };
        if (preempts && task !== node.last) costly.push(next);
        else free.push(next);
      }
    }
    level = costly.reverse();
  }
  return null;
}

/** An execution as a partial order. */
class TraceView {
  /** Per task: its events in order. */
  readonly lanes: number[][];
  readonly #execution: Execution;
  /** Per event: how far each task has to have got before it. */
  readonly #needs: number[][] = [];
  /** Per event: its number within its task. */
  readonly #nth: number[] = [];

  constructor(execution: Execution) {
    this.#execution = execution;
    const { events, tasks } = execution;
    this.lanes = tasks.map(() => []);
    for (let event = 0; event < events.count; event++) {
      const task = events.task[event] as number;
      const lane = this.lanes[task] as number[];
      this.#nth.push(lane.length);
      const needs = tasks.map(() => 0);
      const spawn = tasks[task]?.spawnEvent ?? -1;
      for (let earlier = 0; earlier < event; earlier++) {
        if (earlier !== spawn && !eventsConflict(execution, earlier, event)) continue;
        needs[events.task[earlier] as number] = (this.#nth[earlier] as number) + 1;
      }
      lane.push(event);
      this.#needs.push(needs);
    }
  }

  /** Is the next event of a task the next one in the trace, too? */
  ready(cut: readonly number[], task: number): boolean {
    const event = (this.lanes[task] as number[])[cut[task] as number];
    if (event === undefined) return false;
    return (this.#needs[event] as number[]).every((need, other) => (cut[other] as number) >= need);
  }

  /** Could the task that ran last go on, whether or not that would still be this trace? */
  couldGoOn(cut: readonly number[], task: number): boolean {
    const { events, tasks } = this.#execution;
    const lane = this.lanes[task] as number[];
    const done = cut[task] as number;
    const previous = lane[done - 1] as number;
    if (events.step[previous]?.object === null && events.step[previous]?.verb === 'cond_resched')
      return false;
    const event = lane[done];
    const step = event === undefined ? (tasks[task] as TaskStruct).pending : events.step[event];
    if (step === null || step === undefined) return false;
    return !step.blocking || this.ready(cut, task) || this.#enabled(cut, step);
  }

  /** Would the object let this step through, after the events of the cut? */
  #enabled(cut: readonly number[], step: Step<unknown>): boolean {
    const { events } = this.#execution;
    const object = step.object;
    if (object === null) return true;
    const history: HistoryEntry[] = [];
    let replaced: unknown;
    let written = false;
    for (let event = 0; event < events.count; event++) {
      const task = events.task[event] as number;
      const inside = (this.#nth[event] as number) < (cut[task] as number);
      for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
        if (events.object[at] !== object.id) continue;
        const access = events.access[at] as Access;
        if (inside) history.push({ access, task });
        else if (!written && dependent(access, step.access)) {
          written = true;
          replaced = events.replaced[at];
        }
      }
    }
    if (step instanceof AwaitStep && !written) return step.ready();
    return object.enabledAfter(step, history, replaced);
  }
}
