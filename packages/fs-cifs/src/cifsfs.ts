/**
 * Make a share, mount it, check it; clones.
 *
 * The device is the disk of the server. mkfs leaves the files in `bdev.meta`; mount opens all of them.
 *
 * @see fs/cifs/cifsfs.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  checkServerFile,
  type File,
  type FileOperations,
  type FileSpec,
  Inode,
  iSizeRead,
  type Loff,
  layServerFile,
  lockTwoNondirectories,
  loff,
  type MountOptions,
  PAGE_SIZE,
  ServerFile,
  type ServerInode,
  SuperBlock,
  type Task,
  truncateInodePagesRange,
  UsageError,
  unlockTwoNondirectories,
} from '@fsport/core';
import { CIFS_I, CifsInodeInfo } from './cifsglob.js';
import {
  cifsFileStrictMmap,
  cifsStrictReadv,
  cifsStrictWritev,
  cifsWriteBegin,
  cifsWriteEnd,
} from './file.js';
import { cifsSetattr } from './inode.js';
import { cifsReadpage, cifsReadpages } from './read.js';
import { cifsFallocate } from './smb2ops.js';
import { fsctlCopy, SMB2_set_eof } from './smb2pdu.js';
import { cifsLaunderPage, cifsStrictFsync, cifsWritepage, cifsWritepages } from './write.js';

/** Filesystem type. */
export const TYPE = 'cifs';

/** @see fs/cifs/file.c `cifs_addr_ops` (v5.15) */
export const cifsAddrOps = {
  readpage: cifsReadpage,
  readpages: cifsReadpages,
  writepage: cifsWritepage,
  writepages: cifsWritepages,
  writeBegin: cifsWriteBegin,
  writeEnd: cifsWriteEnd,
  launderPage: cifsLaunderPage,
};

/** @see `cifs_file_inode_ops` (v5.15) */
export const cifsFileInodeOps = { setattr: cifsSetattr };

/** @see `cifs_file_strict_ops` (v5.15) */
export const cifsFileStrictOps = {
  readIter: cifsStrictReadv,
  writeIter: cifsStrictWritev,
  fsync: cifsStrictFsync,
  mmap: cifsFileStrictMmap,
  fallocate: cifsFallocate,
  remapFileRange: cifsRemapFileRange,
} satisfies FileOperations;

/**
 * Clone a range, at the server.
 *
 * @returns Bytes, `-EOPNOTSUPP`, or an errno.
 * @context Sleeps. Takes i_rwsem of both exclusive, in one order; not invalidate_lock.
 * @departs Dirty pages of the source are not written first, as in the kernel: the server clones what it has.
 * @see `cifs_remap_file_range()`, fs/cifs/smb2ops.c `smb2_duplicate_extents()` (v5.14, v5.15)
 */
function* cifsRemapFileRange(
  { fInode: source }: File,
  off: Loff,
  { fInode: target }: File,
  destoff: Loff,
  len: Loff,
): Task<number> {
  yield* lockTwoNondirectories(target, source);
  const end = destoff + len;
  const last = loff(Math.ceil(end / PAGE_SIZE) * PAGE_SIZE - 1);
  yield* truncateInodePagesRange(target.iMapping, destoff, last);
  if ((yield* iSizeRead(target)) < end) yield* SMB2_set_eof(target, end);
  const copied = yield* fsctlCopy('FSCTL_DUPLICATE_EXTENTS_TO_FILE', source, off, target, destoff, len);
  yield* unlockTwoNondirectories(source, target);
  return copied;
}

/** Make a share with these files. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files.map((spec) => layServerFile(bdev, spec));
}

/** Mount it: nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const sb = new SuperBlock(TYPE, profile, bdev, null, {
    exempt: {
      // Truncate, zero range and clone take no invalidate_lock, and mkwrite does not look whether the page is still cached.
      truncate_inode_pages_range: 'invalidate_lock',
      page_mkwrite: 'page-mapping',
    },
  });
  const ops = { aOps: cifsAddrOps, iOp: cifsFileInodeOps, iFop: cifsFileStrictOps };
  for (const { spec, first } of bdev.meta as readonly ServerInode[]) {
    const server = new ServerFile(bdev, spec.ino, first, spec.size);
    const inode = new Inode(sb, spec.ino, ops, new CifsInodeInfo(server, TYPE));
    inode.iSize.init(spec.size);
  }
  return sb;
}

/** Get a file's inode. @throws UsageError `BAD_OPTION` if mkfs made no such file. */
export function cifsIget(sb: SuperBlock, ino: number): Inode {
  const inode = sb.inodes.get(ino);
  if (inode !== undefined) return inode;
  throw new UsageError('BAD_OPTION', { ino }, `There is no inode ${ino}. Give mkfs a file of that number.`);
}

/** Where a block of a file is at the server, for checkers. */
export function bmap(inode: Inode, iblock: number): BlockPlace {
  return { state: 'mapped', phys: CIFS_I(inode).server.phys(iblock) };
}

/** Client and server agree on the sizes, and nothing is left beyond the end of a file. */
export function fsck(sb: SuperBlock): readonly string[] {
  return [...sb.inodes.values()].flatMap((inode) =>
    checkServerFile(CIFS_I(inode).server, inode.iSize.peek()),
  );
}
