/** Access to user memory: any of it can fault. @see include/linux/uaccess.h (v5.15) */
import { ContractError } from '../errors.js';
import { current } from '../sched/current.js';

/** Locks that a page fault takes: whoever touches user memory while holding one can wait for itself. */
const FAULT_LOCKS: readonly string[] = [
  'mm.mmap_lock',
  'mapping.invalidate_lock',
  'PG_locked',
  'mapping.i_mmap_rwsem',
];

/**
 * Assert that the task in progress may take a page fault: it is about to touch user memory.
 *
 * @param verb - What it is about to do, in kernel spelling.
 * @throws ContractError `COPY_UNDER_LOCK`.
 * @context Adds no step.
 * @see mm/memory.c `__might_fault()` (v5.15)
 */
export function mightFault(verb: string): void {
  for (const { lock, mode } of current.task?.held ?? []) {
    if (!FAULT_LOCKS.includes(lock.label)) continue;
    throw new ContractError(
      'COPY_UNDER_LOCK',
      { task: current.task?.title, verb, lock: lock.name, mode },
      `${verb}() touches user memory while holding ${lock.name}. The access can fault, and the fault ` +
        'handler takes that lock. Release it first.',
    );
  }
}
