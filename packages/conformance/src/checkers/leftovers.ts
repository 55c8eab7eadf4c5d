/** K-1 when everything is quiet: no lock, page lock, writeback or direct I/O is left over. */
import type { Violation } from '@fsport/explore';
import { becauseOfStore, becauseOfTaken } from './because.js';
import { finding, type StateChecker } from './finding.js';

/** K-1. */
export const leftovers: StateChecker = (state) => {
  const { world, execution } = state;
  const found: Violation[] = [];
  const add = (text: string, because: readonly string[] = []): void => {
    found.push(finding('lock-discipline', 'K-1', text, because));
  };
  for (const task of execution.tasks) {
    for (const { lock, mode } of task.held)
      add(`${task.title} has ended and still holds ${lock.name} (${mode})`, becauseOfTaken(state, lock));
  }
  for (const { iRwsem, iMapping, iDioCount, iIno } of world.inodes) {
    for (const lock of [iRwsem, iMapping.invalidateLock, iMapping.iMmapRwsem]) {
      if (lock.isLocked) add(`${lock.name} is still held`, becauseOfTaken(state, lock));
    }
    if (iDioCount.peek() !== 0)
      add(`inode ${iIno} still counts ${iDioCount.peek()} direct I/Os`, [
        becauseOfStore(state, 'i_dio_count', iDioCount.id),
      ]);
  }
  for (const { mmapLock } of world.machine.mms)
    if (mmapLock.isLocked) add(`${mmapLock.name} is still held`, becauseOfTaken(state, mmapLock));
  for (const page of world.machine.pages) {
    if (page.lock.isLocked)
      add(`page ${page.index} is still locked, and nobody will unlock it`, becauseOfTaken(state, page.lock));
    if (page.writeback.peek())
      add(`page ${page.index} is still under writeback`, [
        becauseOfStore(state, `PG_writeback of page ${page.index}`, page.writeback.id),
      ]);
  }
  return found;
};
