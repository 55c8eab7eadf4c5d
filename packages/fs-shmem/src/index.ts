/**
 * A model of tmpfs: how faults and hole punches are kept apart. Not at all (`v3.15`), by a wait queue on the stack of the
 * punch (`v5.15`), and by `mapping->invalidate_lock`, as was proposed for v5.15 and left out
 * (`v5.15+shmem-invalidate-lock`).
 *
 * @packageDocumentation
 */
import { defineFileSystem } from '@fsport/core';
import { shmemAops, shmemFileOperations, shmemInodeOperations } from './file.js';
import { TYPE } from './shmem.js';
import { bmap, fsck, iget, mkfs, mount } from './super.js';

/** The model of tmpfs. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v3.15', 'v5.15', 'v5.15+shmem-invalidate-lock'],
  supports: { write: true, mmap: true, truncate: true, allocate: true, punchHole: true, inMemory: true },
  mkfs,
  mount,
  iget,
  bmap,
  fsck,
  aOps: shmemAops,
  iOps: shmemInodeOperations,
  fOps: shmemFileOperations,
});
