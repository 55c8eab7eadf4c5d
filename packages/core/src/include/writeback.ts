/** A writeback request on its way to the filesystem. @see include/linux/writeback.h (v5.15) */
import type { Loff } from './units.js';

/** What to write and how patiently. @see `struct writeback_control` (v5.15) */
export interface WritebackControl {
  /** `WB_SYNC_ALL` waits for pages under writeback; `WB_SYNC_NONE` skips them. */
  readonly sync: 'WB_SYNC_ALL' | 'WB_SYNC_NONE';
  /** First byte. */
  readonly rangeStart: Loff;
  /** Last byte, inclusive. */
  readonly rangeEnd: Loff;
}
