/**
 * The metadata server: truncation.
 *
 * It takes FILE_RD and FILE_WR back from the client, waits for the answer, changes the size and has the objects truncated;
 * the size, the truncation and the capabilities come back in one message.
 *
 * @departs Objects are truncated in the step that changes the size. The servers do it later, and know from the number of
 *   the truncation in each request which bytes are gone; a write that was sent before it is cut off the same way.
 * @departs One truncation at a time, in the order in which they come: `mds_lock`.
 * @see fs/ceph/inode.c, fs/ceph/mds_client.c, fs/ceph/caps.c (v5.14, v5.15)
 */
import {
  ATTR_SIZE,
  type Iattr,
  type Inode,
  inodeNewsizeOk,
  sendReceive,
  serverSetEof,
  type Task,
} from '@fsport/core';
import {
  awaitUnused,
  CEPH_CAP_FILE_RD,
  CEPH_CAP_FILE_WR,
  cephDoPendingVmtruncate,
  cephInode,
  revokeCaps,
} from './caps.js';

const READ_WRITE = CEPH_CAP_FILE_RD | CEPH_CAP_FILE_WR;

/** CEPH_MDS_OP_SETATTR with a size, at the server. */
function* setattrSize(inode: Inode, size: number): Task<void> {
  const info = cephInode(inode);
  yield* revokeCaps(info, READ_WRITE);
  yield* awaitUnused(info);
  yield* serverSetEof(info.server, size, () =>
    info.serverTruncateSeq.store(info.serverTruncateSeq.load() + 1),
  );
  yield* fillInode(inode, size);
}

/**
 * What the server tells about the file arrives.
 *
 * @context One step under i_ceph_lock.
 * @see fs/ceph/inode.c `ceph_fill_file_size()`, `fill_inode()` (v5.15)
 */
function fillInode(inode: Inode, size: number): Task<void> {
  const { caps } = cephInode(inode);
  return caps.section('ceph_fill_file_size', () => {
    const state = caps.load();
    const shrinks = size < inode.iSize.load();
    inode.iSize.store(size);
    caps.store({
      ...state,
      issued: state.issued | READ_WRITE,
      truncateSeq: state.truncateSeq + 1,
      truncatePending: state.truncatePending || shrinks,
      truncateSize: state.truncatePending ? Math.min(state.truncateSize, size) : size,
    });
  });
}

/**
 * Change attributes.
 *
 * @returns `0`, or `-EFBIG`.
 * @context Sleeps. i_rwsem exclusive, no references on capabilities.
 * @see fs/ceph/inode.c `__ceph_setattr()` (v5.14, v5.15)
 */
export function* cephSetattr(inode: Inode, attr: Iattr): Task<number> {
  if ((attr.iaValid & ATTR_SIZE) === 0) return 0;
  const { iaSize: size } = attr;
  const err = inodeNewsizeOk(inode, size);
  if (err !== 0) return err;
  yield* sendReceive('CEPH_MDS_OP_SETATTR', () => setattrSize(inode, size));
  yield* cephDoPendingVmtruncate(inode);
  return 0;
}
