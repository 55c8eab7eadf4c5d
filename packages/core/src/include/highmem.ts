/** Access to the memory of a page. @see include/linux/highmem.h (v5.15) */
import { machine } from '../machine.js';
import { type Cells, zeroCells } from '../provenance.js';
import type { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';
import type { Page } from './mm-types.js';

/**
 * Zero a part of a page, in memory only: it does not become dirty.
 *
 * @param start - First byte.
 * @param end - Byte after the last.
 * @context May be preempted. Page lock held.
 * @departs One step for all bytes: who copies from the page at the same time gets it before or after, not half
 *   way through. A block is the smallest unit that any checker looks at.
 * @see include/linux/highmem.h `zero_user_segment()` (v5.15)
 */
export function zeroUserSegment(page: Page, start: number, end: number): Task<void> {
  const first = page.content[Math.floor(start / machine.blockSize)] as SharedVar<Cells>;
  return first.section(
    'zero_user_segment',
    () => page.storeBytes(start, zeroCells(end - start)),
    () => `bytes ${start} to ${end - 1}`,
  );
}
