/**
 * Checkpoints: what the filesystem goes back to after a crash.
 *
 * @see fs/f2fs/checkpoint.c (v5.14, v5.15)
 */
import { downWrite, ENOTTY, type File, type SuperBlock, type Task, upWrite } from '@fsport/core';
import { F2FS_I, F2FS_SB } from './f2fs.js';

/**
 * Write a checkpoint. From now on the blocks of all files have to stay where they are.
 *
 * @returns `0`.
 * @context Sleeps. Takes cp_rwsem, then node_change, exclusive.
 * @departs What a checkpoint writes takes no space on the disk, and there is no crash to go back after.
 * @see fs/f2fs/checkpoint.c `f2fs_write_checkpoint()`, `block_operations()` (v5.15)
 */
export function* f2fsWriteCheckpoint(sb: SuperBlock): Task<number> {
  const { cpRwsem, nodeChange, checkpointed, inodes } = F2FS_SB(sb);
  yield* downWrite(cpRwsem);
  yield* downWrite(nodeChange);
  yield* checkpointed.section('do_checkpoint', () => {
    const known = new Set<number>();
    for (const inode of inodes) {
      const { addr } = F2FS_I(inode);
      for (const [index] of addr.peekAll()) known.add(addr.at(index).load().phys);
    }
    checkpointed.store(known);
  });
  yield* upWrite(nodeChange);
  yield* upWrite(cpRwsem);
  return 0;
}

/**
 * ioctl(F2FS_IOC_WRITE_CHECKPOINT).
 *
 * @returns `0`, or `-ENOTTY` for any other request.
 * @context Sleeps. See {@link f2fsWriteCheckpoint}.
 * @see fs/f2fs/file.c `f2fs_ioc_write_checkpoint()` (v5.15)
 */
export function* f2fsIoctl(file: File, cmd: string): Task<number> {
  return cmd === 'F2FS_IOC_WRITE_CHECKPOINT' ? yield* f2fsWriteCheckpoint(file.fInode.iSb) : -ENOTTY;
}
