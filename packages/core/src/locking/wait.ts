/**
 * Completions and wait queues.
 *
 * A wait is one guarded step; the wake-up is the write that makes its condition true. There are no
 * spurious wake-ups.
 *
 * @see kernel/sched/completion.c, kernel/sched/wait.c (v5.15)
 */
import { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';

/** One-time event. @see `struct completion` (v5.15) */
export class Completion extends SharedVar<boolean> {
  /** @param label - Kernel spelling of what completes. */
  constructor(label: string) {
    super(label, false);
  }
}

/** Announce that it happened. @see `complete_all()` (v5.15) */
export function complete(done: Completion): Task<void> {
  return done.write(true, 'complete_all');
}

/** Sleep until it has happened. @context Sleeps. @see `wait_for_completion()` (v5.15) */
export function* waitForCompletion(done: Completion): Task<void> {
  yield* done.waitUntil((happened) => happened, 'wait_for_completion');
}

/** One sleeper on a wait queue. @see `struct wait_queue_entry` (v5.15) */
export class WaitQueueEntry extends SharedVar<'waiting' | 'woken'> {
  /** @param title - Who waits, for traces. */
  constructor(title: string) {
    super('wait_queue_entry', 'waiting', title);
  }
}

/** A list of sleepers. @see `struct wait_queue_head` (v5.15) */
export class WaitQueueHead extends SharedVar<readonly WaitQueueEntry[]> {
  /** @param label - Kernel spelling of what is waited for. */
  constructor(label: string) {
    super(label, []);
    this.show = (entries) => `${entries.length} waiting`;
  }
}

/** Join a queue, to sleep on it later: a wake-up in between is not lost. @see `prepare_to_wait()` (v5.15) */
export function prepareToWait(queue: WaitQueueHead, entry: WaitQueueEntry): Task<void> {
  return queue.section('prepare_to_wait', () => {
    entry.store('waiting');
    if (!queue.load().includes(entry)) queue.store([...queue.load(), entry]);
  });
}

/** Sleep until woken. @context Sleeps. @see `schedule()` (v5.15) */
export function* schedule(entry: WaitQueueEntry): Task<void> {
  yield* entry.waitUntil((state) => state === 'woken', 'schedule');
}

/** Leave a queue. @see `finish_wait()` (v5.15) */
export function finishWait(queue: WaitQueueHead, entry: WaitQueueEntry): Task<void> {
  return queue.section('finish_wait', () => {
    if (queue.load().includes(entry)) queue.store(queue.load().filter((other) => other !== entry));
  });
}

/** Wake everybody on a queue and take them off it. @see `wake_up_all()` (v5.15) */
export function wakeUpAll(queue: WaitQueueHead): Task<void> {
  return queue.section('wake_up_all', () => {
    for (const entry of queue.load()) entry.store('woken');
    if (queue.load().length > 0) queue.store([]);
  });
}
