/**
 * What cifs keeps for each inode.
 *
 * Order of the locks, outer to inner: i_rwsem; lock_sem; mmap_lock; invalidate_lock (v5.15, hole punch and the generic
 * fills); page lock. Requests are waited for under any of them. The server has its own locks.
 *
 * @departs The lease of the server (read, write, handle) is granted when the file is opened and never broken: one client.
 * @see fs/cifs/cifsglob.h (v5.14, v5.15)
 */
import { type Inode, type Page, Rwsem, type ServerFile } from '@fsport/core';

/** cifs's part of an inode. @see `struct cifsInodeInfo` (v5.15) */
export class CifsInodeInfo {
  /** The file at the server. */
  readonly server: ServerFile;
  /** `lock_sem`: shared for reads and writes, exclusive to change the list of byte-range locks. */
  readonly lockSem: Rwsem;
  /** `PG_checked`: pages of which a write in progress defines every byte. Page lock. */
  readonly checked = new Set<Page>();

  /**
   * @param server - The file at the server.
   * @param type - Filesystem type.
   */
  constructor(server: ServerFile, type: string) {
    this.server = server;
    this.lockSem = new Rwsem('cifsInodeInfo.lock_sem', server.ino, type);
  }
}

/** cifs's part of an inode. */
export function CIFS_I(inode: Inode): CifsInodeInfo {
  return inode.info as CifsInodeInfo;
}
