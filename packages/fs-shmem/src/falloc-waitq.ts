/**
 * The wait queue of a hole punch, which is on the stack of its task: it is gone when the punch returns, and whoever
 * touches it then writes over somebody else's memory.
 *
 * Waking is not one step. The sleeper may run as soon as it is awake, before the waker has taken it off the queue; i_lock,
 * which the waker holds over both and the sleeper takes before it looks, is what makes it wait for that.
 *
 * @see mm/shmem.c `synchronous_wake_function()`, `shmem_fault()`, kernel/sched/wait.c (v5.15)
 */
import { ContractError, current, SharedVar, type Task, WaitQueueEntry, WaitQueueHead } from '@fsport/core';

/** A queue on a stack. */
export class FallocWaitQueue extends WaitQueueHead {
  /** The frame it is in has been left. */
  readonly gone = new SharedVar('shmem_falloc_waitq.gone', false);

  constructor() {
    super('shmem_falloc_waitq');
  }

  /** Touch it as part of the step in progress. @throws ContractError `USE_AFTER_RETURN`. */
  touch(verb: string): void {
    if (!this.gone.load()) return;
    throw new ContractError('USE_AFTER_RETURN', { task: current.task?.title, verb, object: this.name });
  }
}

/** A sleeper on such a queue. */
export class FallocWaiter extends WaitQueueEntry {
  /** It is on the queue: `!list_empty(&wait->entry)`. */
  readonly queued = new SharedVar('wait_queue_entry.entry', false);

  constructor() {
    super('shmem_fault_wait');
  }
}

/**
 * Join the queue.
 *
 * @throws ContractError `USE_AFTER_RETURN` if it is gone.
 * @context May be preempted. i_lock held.
 * @see kernel/sched/wait.c `prepare_to_wait()` (v5.15)
 */
export function prepareToWait(queue: FallocWaitQueue, waiter: FallocWaiter): Task<void> {
  return queue.section('prepare_to_wait', () => {
    queue.touch('prepare_to_wait');
    queue.store([...queue.load(), waiter]);
    waiter.queued.store(true);
  });
}

/**
 * Leave the queue, if the waker has not done it: only then is the queue touched.
 *
 * @throws ContractError `USE_AFTER_RETURN` if it is gone.
 * @context May be preempted. i_lock held, or the waker may be at work on the entry.
 * @see kernel/sched/wait.c `finish_wait()` (v5.15)
 */
export function* finishWait(queue: FallocWaitQueue, waiter: FallocWaiter): Task<void> {
  if (!(yield* waiter.queued.read('list_empty_careful'))) return;
  yield* queue.section('finish_wait', () => {
    queue.touch('finish_wait');
    queue.store(queue.load().filter((other) => other !== waiter));
    waiter.queued.store(false);
  });
}

/**
 * Wake everybody, and take them off the queue whether or not they were asleep.
 *
 * @context May be preempted. i_lock held.
 * @see mm/shmem.c `synchronous_wake_function()` (v5.15)
 */
export function* wakeUpAll(queue: FallocWaitQueue): Task<void> {
  for (const waiter of (yield* queue.read('wake_up_all')) as readonly FallocWaiter[]) {
    yield* waiter.write('woken', 'default_wake_function');
    yield* queue.section('list_del_init', () => {
      queue.store(queue.load().filter((other) => other !== waiter));
      waiter.queued.store(false);
    });
  }
}

/** The punch returns. @throws ContractError `USE_AFTER_RETURN` if somebody is left on the queue. */
export function leaveFrame(queue: FallocWaitQueue): Task<void> {
  return queue.gone.section('return', () => {
    if (queue.load().length > 0) {
      throw new ContractError('USE_AFTER_RETURN', {
        task: current.task?.title,
        verb: 'return',
        object: queue.name,
      });
    }
    queue.gone.store(true);
  });
}
