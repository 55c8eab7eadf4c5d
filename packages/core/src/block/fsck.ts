/**
 * The part of fsck that all filesystems with a block map have in common: every block has one owner, and it is the one
 * that maps it.
 *
 * For use when nothing is in progress; nothing here is seen by the search.
 */
import type { Inode, SuperBlock } from '../include/fs.js';
import type { SharedArray } from '../sched/shared-var.js';

/** One block of a block map, as far as fsck is concerned. */
export interface MappedBlock {
  /** Disk block, or `-1`. */
  readonly phys: number;
  /** Generation of that block since it was allocated. */
  readonly gen: number;
}

/** A file and its block map. */
export interface BlockMapOf {
  /** The file. */
  readonly inode: Inode;
  /** Block in the file -> block on disk. */
  readonly map: Pick<SharedArray<MappedBlock>, 'peekAll'>;
}

/**
 * Check that every block in a map has one owner and belongs to it, that free blocks belong to nobody, and that no block of
 * a file is in no map.
 *
 * @param sb - The mount.
 * @param maps - Every file of it, evicted ones included.
 * @returns One line for each thing that is wrong.
 */
export function fsckBlocks({ sBdev }: SuperBlock, maps: readonly BlockMapOf[]): readonly string[] {
  const found: string[] = [];
  const owners = new Map<number, string>();
  for (const block of sBdev.freeBlocks.peek()) owners.set(block, 'the free pool');
  for (const { inode, map } of maps) {
    for (const [lblk, { phys, gen }] of map.peekAll()) {
      if (phys < 0) continue;
      const where = `block ${lblk} of inode ${inode.iIno}`;
      const other = owners.get(phys);
      if (other !== undefined) found.push(`disk block ${phys} belongs to ${other} and to ${where}`);
      owners.set(phys, where);
      const disk = sBdev.blocks.at(phys).peek();
      if (disk.owner !== inode.iIno || disk.gen !== gen) {
        found.push(`${where} is mapped to disk block ${phys}, which was freed`);
      }
    }
  }
  for (const [phys, { owner }] of sBdev.blocks.peekAll()) {
    if (owner > 0 && !owners.has(phys)) found.push(`disk block ${phys} of inode ${owner} is in no map`);
  }
  return found;
}
