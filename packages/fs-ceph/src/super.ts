/**
 * Make a filesystem, mount it, check it.
 *
 * The device is the object store. mkfs leaves the files in `bdev.meta`; mount opens all of them.
 *
 * @see fs/ceph/super.c, fs/ceph/inode.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  checkServerFile,
  type FileSpec,
  Inode,
  layServerFile,
  type MountOptions,
  ServerFile,
  type ServerInode,
  SuperBlock,
  UsageError,
} from '@fsport/core';
import { cephAops } from './addr.js';
import { CephInodeInfo, cephInode } from './caps.js';
import { cephFileFops } from './file.js';
import { cephSetattr } from './mds.js';

/** Filesystem type. */
export const TYPE = 'ceph';

/** @see fs/ceph/inode.c `ceph_file_iops` (v5.15) */
export const cephFileIops = { setattr: cephSetattr };

/** Make a filesystem with these files. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files.map((spec) => layServerFile(bdev, spec));
}

/** Mount it: all capabilities granted, nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const sb = new SuperBlock(TYPE, profile, bdev, null, {
    // What the server has truncated is dropped without invalidate_lock: nobody has references that would let him fill.
    exempt: { truncate_inode_pages_range: 'invalidate_lock' },
  });
  const ops = { aOps: cephAops, iOp: cephFileIops, iFop: cephFileFops };
  for (const { spec, first } of bdev.meta as readonly ServerInode[]) {
    const server = new ServerFile(bdev, spec.ino, first, spec.size);
    const inode = new Inode(sb, spec.ino, ops, new CephInodeInfo(server));
    inode.iSize.init(spec.size);
  }
  return sb;
}

/** Get a file's inode. @throws UsageError `BAD_OPTION` if mkfs made no such file. */
export function cephIget(sb: SuperBlock, ino: number): Inode {
  const inode = sb.inodes.get(ino);
  if (inode !== undefined) return inode;
  throw new UsageError('BAD_OPTION', { ino }, `There is no inode ${ino}. Give mkfs a file of that number.`);
}

/** Where a block of a file is in the store, for checkers. */
export function bmap(inode: Inode, iblock: number): BlockPlace {
  return { state: 'mapped', phys: cephInode(inode).server.phys(iblock) };
}

/** Client and servers agree on the sizes, nothing is pending, and nobody has references left. */
export function fsck(sb: SuperBlock): readonly string[] {
  return [...sb.inodes.values()].flatMap((inode) => {
    const { server, caps, ...refs } = cephInode(inode);
    const [rdRef, wrRef] = [refs.rdRef.peek(), refs.wrRef.peek()];
    const found = checkServerFile(server, inode.iSize.peek());
    if (rdRef !== 0 || wrRef !== 0)
      found.push(`inode ${inode.iIno} has ${rdRef} references on Fr and ${wrRef} on Fw, and nobody uses it`);
    if (caps.peek().truncatePending) found.push(`a truncation of inode ${inode.iIno} is still pending`);
    return found;
  });
}
