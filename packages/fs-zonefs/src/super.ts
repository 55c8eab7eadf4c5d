/**
 * Make, mount and check a filesystem.
 *
 * There is nothing on the disk but zones: mkfs writes them and leaves what each file is in `bdev.meta`; mount asks how far
 * each zone is written.
 *
 * @see fs/zonefs/super.c (v5.14, v5.15)
 */
import {
  type BlockDevice,
  type BlockPlace,
  type FileSpec,
  Inode,
  layBlock,
  letterCells,
  type MountOptions,
  machine,
  type Phys,
  phys,
  SuperBlock,
  UsageError,
} from '@fsport/core';
import { zonefsFileAops, zonefsFileOperations, zonefsInodeSetattr } from './file.js';
import { ZONEFS_I, ZonefsInodeInfo } from './zonefs.js';

/** Filesystem type. */
export const TYPE = 'zonefs';

/** Inode operations. @see fs/zonefs/super.c `zonefs_file_inode_operations` (v5.15) */
export const zonefsFileInodeOperations = { setattr: zonefsInodeSetattr };

/** A zone on a disk that is not mounted. */
interface Zone {
  readonly spec: FileSpec;
  readonly zone: readonly Phys[];
}

/**
 * Fill the zones of an empty disk. A file's blocks are its zone: those behind its size are not written yet.
 *
 * @throws UsageError `BAD_OPTION` if a file does not end at a block, has a hole, or does not fill a conventional zone.
 */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files.map((spec): Zone => {
    const written = spec.size / machine.blockSize;
    const filled = spec.blocks.filter((block) => typeof block === 'object').length;
    if (written !== filled || (spec.conventional === true && filled < spec.blocks.length)) {
      throw new UsageError(
        'BAD_OPTION',
        { ino: spec.ino, size: spec.size },
        `A zone is written from its start, in whole blocks; a conventional one is full. Inode ${spec.ino} is not.`,
      );
    }
    const zone = spec.blocks.map((block, i) => {
      const cells = typeof block === 'object' ? block.data : null;
      const pos = i * machine.blockSize;
      return layBlock(
        bdev,
        spec.ino,
        cells === null ? undefined : letterCells(spec.ino, pos, spec.size, cells),
      );
    });
    return { spec, zone };
  });
}

/** Mount it: a superblock with its inodes, and nothing in the cache. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const inodes: Inode[] = [];
  const sb = new SuperBlock(TYPE, profile, bdev, inodes, {});
  const ops = { aOps: zonefsFileAops, iOp: zonefsFileInodeOperations, iFop: zonefsFileOperations };
  for (const { spec, zone } of bdev.meta as readonly Zone[]) {
    const { ino, size } = spec;
    const inode = new Inode(
      sb,
      ino,
      ops,
      new ZonefsInodeInfo(ino, TYPE, spec.conventional === true ? 'cnv' : 'seq', zone, size),
    );
    inode.iSize.init(size);
    inodes.push(inode);
  }
  return sb;
}

/** Where a block of a file is, for checkers: below the write pointer, behind it, or not in the zone at all. */
export function zonefsBmap(inode: Inode, iblock: number): BlockPlace {
  const block = ZONEFS_I(inode).zone[iblock];
  if (block === undefined) return { state: 'hole', phys: phys(-1) };
  return { state: iblock * machine.blockSize < inode.iSize.peek() ? 'mapped' : 'unwritten', phys: block };
}

/**
 * Check the filesystem: a file is as long as its zone is written, and its zone is its own.
 *
 * @returns One line for each thing that is wrong.
 */
export function fsck(sb: SuperBlock): readonly string[] {
  const found: string[] = [];
  for (const inode of sb.sFsInfo as readonly Inode[]) {
    const { iMaxSize, iWpoffset, iZtype, zone, zoneWp } = ZONEFS_I(inode);
    const size = inode.iSize.peek();
    const written = iZtype === 'cnv' ? iMaxSize : zoneWp.peek();
    if (size !== written)
      found.push(`inode ${inode.iIno} has size ${size}, its zone is written to ${written}`);
    if (iZtype === 'seq' && iWpoffset.peek() !== written)
      found.push(
        `inode ${inode.iIno} would append at ${iWpoffset.peek()}, its zone is written to ${written}`,
      );
    for (const block of zone) {
      const { owner } = sb.sBdev.blocks.at(block).peek();
      if (owner !== inode.iIno) found.push(`disk block ${block} of inode ${inode.iIno} belongs to ${owner}`);
    }
  }
  return found;
}
