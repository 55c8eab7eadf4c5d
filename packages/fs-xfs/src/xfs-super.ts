/**
 * Make, mount and check a filesystem; tear an inode down.
 *
 * mkfs leaves the layout of the files in `bdev.meta`; mount builds the inodes from it. What is on disk besides data
 * blocks (inodes, btrees, log) takes no space.
 *
 * @see fs/xfs/xfs_super.c, fs/xfs/xfs_inode.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  type BlockSpec,
  type FileSpec,
  Inode,
  iSizeWrite,
  layBlock,
  letterCells,
  type MountOptions,
  machine,
  ownersOf,
  type Phys,
  SuperBlock,
  type SuperOperations,
  type Task,
  truncateInodePagesFinal,
  UsageError,
} from '@fsport/core';
import { V5_14_ADDRESS_SPACE_OPERATIONS, xfsAddressSpaceOperations } from './xfs-aops.js';
import { xfsBunmapi } from './xfs-bmap.js';
import { xfsItruncateExtents } from './xfs-bmap-util.js';
import { xfsReflinkCancelCowBlocks } from './xfs-cow.js';
import { xfsFileOperations, xfsVnSetattr } from './xfs-file.js';
import {
  HOLE,
  type Irec,
  maxBlocks,
  XFS_I,
  XFS_ILOCK_EXCL,
  XFS_M,
  XfsInode,
  XfsMount,
  xfsIlock,
  xfsIunlock,
} from './xfs-inode.js';

/** Filesystem type. */
export const TYPE = 'xfs';

/** A file on a disk that is not mounted. */
interface XfsDinode {
  readonly spec: FileSpec;
  readonly irecs: readonly Irec[];
}

/** Make a filesystem with these files on an empty disk. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files.map((spec): XfsDinode => {
    return { spec, irecs: spec.blocks.map((block, lblk) => lay(bdev, spec, block, lblk)) };
  });
}

function lay(bdev: BlockDevice, { ino, size }: FileSpec, block: BlockSpec, lblk: number): Irec {
  if (block === 'hole') return HOLE;
  const unwritten = block === 'unwritten';
  const cells = unwritten ? undefined : letterCells(ino, lblk * machine.blockSize, size, block.data);
  const phys = layBlock(bdev, ino, cells);
  return { state: unwritten ? 'unwritten' : 'mapped', phys, gen: bdev.blocks.at(phys).peek().gen };
}

/** Mount it: a superblock with its inodes, and nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const sb = new SuperBlock(TYPE, profile, bdev, new XfsMount(), { evictInode: xfsFsInactive });
  const aOps = sb.release === 'v5.14' ? V5_14_ADDRESS_SPACE_OPERATIONS : xfsAddressSpaceOperations;
  const ops = { aOps, iOp: { setattr: xfsVnSetattr }, iFop: xfsFileOperations };
  for (const { spec, irecs } of bdev.meta as readonly XfsDinode[]) {
    const inode = new Inode(sb, spec.ino, ops, new XfsInode(spec.ino, TYPE));
    const ip = XFS_I(inode);
    inode.iSize.init(spec.size);
    ip.iDiskSize.init(spec.size);
    ip.keepSize = spec.blocks.length > blocksIn(spec.size);
    for (const [lblk, irec] of irecs.entries()) ip.iDf.extents.at(lblk).init(irec);
    XFS_M(sb).inodes.push(inode);
  }
  return sb;
}

/** Get a file's inode. @throws UsageError `BAD_OPTION` if mkfs made no such file, or it was evicted. */
export function xfsIget(sb: SuperBlock, ino: number): Inode {
  const inode = sb.inodes.get(ino);
  if (inode !== undefined) return inode;
  throw new UsageError('BAD_OPTION', { ino }, `There is no inode ${ino}. Give mkfs a file of that number.`);
}

/** Where a block of a file is, for checkers. @see fs/xfs/xfs_aops.c `xfs_vm_bmap()` (v5.15) */
export function xfsBmap(inode: Inode, iblock: number): BlockPlace {
  return XFS_I(inode).iDf.extents.at(iblock).peek();
}

/**
 * Tear an inode down; with its last link its blocks go too.
 *
 * @context Sleeps. Nobody else has the inode: only ILOCK is taken, exclusive.
 * @departs At once, not by a background task.
 * @see fs/xfs/xfs_super.c `xfs_fs_destroy_inode()`, fs/xfs/xfs_inode.c `xfs_inactive()` (v5.14, v5.15)
 */
const xfsFsInactive: NonNullable<SuperOperations['evictInode']> = function* (inode): Task<void> {
  yield* truncateInodePagesFinal(inode.iMapping);
  yield* xfsIlock(inode, XFS_ILOCK_EXCL);
  if (inode.iNlink === 0) {
    yield* iSizeWrite(inode, 0);
    XFS_I(inode).iDiskSize.store(0);
    yield* xfsItruncateExtents(inode, 0);
  } else {
    // What was prepared for pages that are gone will not be written.
    yield* xfsBunmapi(inode, XFS_I(inode).iDf, 0, maxBlocks(), ['delalloc']);
    yield* xfsReflinkCancelCowBlocks(inode, 0, maxBlocks(), true);
  }
  yield* xfsIunlock(inode, XFS_ILOCK_EXCL);
};

function blocksIn(size: number): number {
  return Math.ceil(size / machine.blockSize);
}

/** Everything that is in a fork, with a name for it. */
function* mapped(sb: SuperBlock): Generator<{ inode: Inode; where: string; irec: Irec }, void> {
  for (const inode of XFS_M(sb).inodes) {
    const { iDf, iCowfp } = XFS_I(inode);
    for (const [fork, of] of [[iDf, ''] as const, [iCowfp, 'COW fork, '] as const]) {
      for (const [lblk, irec] of fork.extents.peekAll()) {
        if (irec.state !== 'hole') yield { inode, where: `${of}block ${lblk} of inode ${inode.iIno}`, irec };
      }
    }
  }
}

/**
 * Check the filesystem: each disk block belongs to exactly the places that map it, as often as they do; blocks of a COW
 * fork are not shared; free blocks are nobody's; nothing lies beyond the end of a file unless it was put there; sizes and
 * reservations add up.
 *
 * @returns One line for each thing that is wrong.
 */
export function fsck(sb: SuperBlock): readonly string[] {
  const { sBdev } = sb;
  const found: string[] = [];
  const places = new Map<Phys, { readonly ino: number; readonly where: string }[]>();
  let reserved = 0;
  for (const { inode, where, irec } of mapped(sb)) {
    if (irec.state === 'delalloc') reserved++;
    if (irec.phys < 0) continue;
    places.set(irec.phys, [...(places.get(irec.phys) ?? []), { ino: inode.iIno, where }]);
    if (sBdev.blocks.at(irec.phys).peek().gen !== irec.gen)
      found.push(`${where} is mapped to disk block ${irec.phys}, which was freed`);
  }
  for (const [phys, disk] of sBdev.blocks.peekAll()) {
    const owners = [...ownersOf(disk)].sort((a, b) => a - b);
    const maps = places.get(phys as Phys) ?? [];
    const inos = maps.map(({ ino }) => ino).sort((a, b) => a - b);
    if (String(owners) !== String(inos)) {
      const who = maps.map(({ where }) => where).join(' and ') || 'nothing';
      found.push(`disk block ${phys} is counted for inodes ${owners.join(', ') || 'none'}, mapped by ${who}`);
    }
    if (maps.length > 1 && maps.some(({ where }) => where.startsWith('COW')))
      found.push(`disk block ${phys} of a COW fork is shared`);
  }
  for (const free of sBdev.freeBlocks.peek())
    if (places.has(free))
      found.push(`disk block ${free} is free, and mapped by ${places.get(free)?.[0]?.where}`);
  for (const inode of XFS_M(sb).inodes) found.push(...checkInode(inode));
  const counted = XFS_M(sb).mDelallocBlks.peek();
  if (counted !== reserved)
    found.push(`${counted} blocks are reserved, ${reserved} delayed blocks are in the forks`);
  return found;
}

function checkInode(inode: Inode): string[] {
  const { iDf, iCowfp, cowBlocks, iDiskSize, keepSize, reflink } = XFS_I(inode);
  const [size, diskSize] = [inode.iSize.peek(), iDiskSize.peek()];
  const found: string[] = [];
  for (const [lblk, { state }] of iDf.extents.peekAll()) {
    if (state !== 'hole' && lblk >= blocksIn(size) && !keepSize)
      found.push(`block ${lblk} of inode ${inode.iIno} is ${state} and lies beyond its size ${size}`);
  }
  const inCow = [...iCowfp.extents.peekAll()].filter(([, { state }]) => state !== 'hole').length;
  if (inCow !== cowBlocks.peek())
    found.push(`the COW fork of inode ${inode.iIno} counts ${cowBlocks.peek()} blocks and has ${inCow}`);
  const shared = [...iDf.extents.peekAll()].some(
    ([, { phys }]) => phys >= 0 && inode.iSb.sBdev.blocks.at(phys).peek().sharers.length > 0,
  );
  if (shared && !reflink.peek())
    found.push(`inode ${inode.iIno} has shared blocks and does not know that it may`);
  // A dirty page raises i_disk_size when it has been written.
  const pending = [...inode.iMapping.iPages.peekAll()].some(
    ([, slot]) => slot !== null && 'dirty' in slot && (slot.dirty.peek() || slot.writeback.peek()),
  );
  if (diskSize > size || (diskSize < size && !pending))
    found.push(`inode ${inode.iIno} has i_size ${size} and i_disk_size ${diskSize}`);
  return found;
}
