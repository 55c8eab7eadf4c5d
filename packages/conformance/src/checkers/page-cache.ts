/**
 * The page cache against the block map and the disk, when everything is quiet.
 *
 * S-2: a clean, valid page shows what the block map and the disk say. Z-3: a hole or an unwritten block shows
 * as zeroes. W-2: no buffer points to a block that is not the file's.
 */
import {
  blocksPerPage,
  type Cells,
  type Inode,
  isPage,
  machine,
  ownersOf,
  PAGE_SIZE,
  type Page,
  type SuperBlock,
  showCells,
  zeroCells,
} from '@fsport/core';
import type { Violation } from '@fsport/explore';
import { becauseOfBlock, becauseOfDisk, becauseOfPlace, becauseOfStores } from './because.js';
import { type FinalState, finding, type StateChecker } from './finding.js';

/** Pages of an inode that are in the cache. */
export function cachedPages(inode: Inode): Page[] {
  return [...inode.iMapping.iPages.peekAll()].map(([, slot]) => slot).filter((slot) => isPage(slot));
}

function sameBytes(a: Cells, b: Cells, length: number): boolean {
  for (let i = 0; i < length; i++) if (((a[i] as number) & 0xff) !== ((b[i] as number) & 0xff)) return false;
  return true;
}

/** What the disk says about a block, or `null` if only memory knows. */
function onDisk({ fs }: FinalState, inode: Inode, sb: SuperBlock, iblock: number): Cells | null {
  const { state, phys } = fs.bmap(inode, iblock);
  if (state === 'delalloc') return null;
  return state === 'mapped' ? sb.sBdev.blocks.at(phys).peek().cells : zeroCells(machine.blockSize);
}

/** Blocks of clean, valid pages whose content is not what the disk says. */
function* incoherent(
  state: FinalState,
): Generator<{ inode: Inode; page: Page; block: number; iblock: number; cells: Cells; expected: Cells }> {
  const { sb, inodes } = state.world;
  const { blockSize } = machine;
  for (const inode of inodes) {
    const size = inode.iSize.peek();
    for (const page of cachedPages(inode)) {
      if (!page.uptodate.peek() || page.dirty.peek() || page.writeback.peek()) continue;
      for (const [block, variable] of page.content.entries()) {
        if (page.buffers.peek()?.[block]?.peek().dirty === true) continue;
        const pos = page.index * PAGE_SIZE + block * blockSize;
        const expected = onDisk(state, inode, sb, pos / blockSize);
        const cells = variable.peek();
        // Bytes beyond the end of the file are nobody's business.
        const length = Math.min(blockSize, size - pos);
        if (expected === null || length <= 0 || sameBytes(cells, expected, length)) continue;
        yield { inode, page, block, iblock: pos / blockSize, cells, expected };
      }
    }
  }
}

/** S-2. */
export const staleCache: StateChecker = (state) => {
  const found: Violation[] = [];
  for (const { inode, page, block, iblock, cells, expected } of incoherent(state)) {
    const { state: place, phys } = state.fs.bmap(inode, iblock);
    const truth =
      place === 'mapped'
        ? `disk block ${phys} holds ${showCells(expected)}`
        : `the file has ${place === 'hole' ? 'a hole' : 'an unwritten block'} there, which reads as zeroes`;
    const message = `page ${page.index} of inode ${inode.iIno} is cached and valid with ${showCells(cells)}, but ${truth}`;
    const because = [...becauseOfBlock(state, inode, page, block), ...becauseOfDisk(state, phys)];
    found.push(finding('stale-data', 'S-2', message, because));
  }
  return found;
};

/** Z-3. */
export const lostZeroes: StateChecker = (state) => {
  const found: Violation[] = [];
  for (const { inode, page, block, iblock, cells } of incoherent(state)) {
    const { state: place } = state.fs.bmap(inode, iblock);
    if (place === 'mapped') continue;
    const message = `page ${page.index} of inode ${inode.iIno} shows ${showCells(cells)} where the file has ${place === 'hole' ? 'a hole' : 'an unwritten block'}`;
    found.push(finding('lost-zeroing', 'Z-3', message, becauseOfBlock(state, inode, page, block)));
  }
  return found;
};

/** W-2. */
export const strayBuffers: StateChecker = (state) => {
  const { world } = state;
  const found: Violation[] = [];
  for (const inode of world.inodes) {
    for (const page of cachedPages(inode)) {
      for (const [block, bh] of (page.buffers.peek() ?? []).entries()) {
        const { mapped, delay, phys, gen } = bh.peek();
        // A delayed block is mapped to nothing yet.
        if (!mapped || delay) continue;
        const disk = world.sb.sBdev.blocks.at(phys).peek();
        if (ownersOf(disk).includes(inode.iIno) && disk.gen === gen) continue;
        const message = `buffer ${block} of page ${page.index} of inode ${inode.iIno} still points to disk block ${phys}, which is not the file's any more: the next write goes there`;
        const because = [
          ...becauseOfStores(state, `buffer ${block}`, bh.id),
          ...becauseOfDisk(state, phys),
          ...becauseOfPlace(state, inode, page.index * blocksPerPage() + block),
        ];
        found.push(finding('corruption', 'W-2', message, because));
      }
    }
  }
  return found;
};
