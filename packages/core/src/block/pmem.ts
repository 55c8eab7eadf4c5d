/**
 * A disk that is memory: the processor loads and stores its blocks, and devices can be told to use them as buffers.
 *
 * Nothing here is a scheduling point of its own: each access joins the step in progress, and changes the block that it is
 * about. Whoever points to a block is counted in it, so that freeing it shows who still does.
 *
 * @departs What the processor stores is on the medium at once: there is no cache of the processor to be flushed.
 * @see drivers/dax/super.c, include/linux/pfn_t.h (v5.14, v5.15)
 */
import { ContractError } from '../errors.js';
import type { Pfn } from '../include/mm-types.js';
import { type Phys, phys } from '../include/units.js';
import { machine } from '../machine.js';
import { type Cells, spliceCells, zeroCells } from '../provenance.js';
import { type BlockDevice, type DiskBlock, ownersOf } from './device.js';

/** A block as memory. @see fs/dax.c `dax_iomap_pfn()` (v5.15) */
export function blockPfn(bdev: BlockDevice, ino: number, block: Phys): Pfn {
  return { bdev, phys: block, ino };
}

/** The page of zeroes, which is no block. @see include/linux/pgtable.h `my_zero_pfn()` (v5.15) */
export function zeroPfn(bdev: BlockDevice, ino: number): Pfn {
  return { bdev, phys: phys(-1), ino };
}

/** Is it the page of zeroes? @see include/linux/pgtable.h `is_zero_pfn()` (v5.15) */
export function isZeroPfn(pfn: Pfn): boolean {
  return pfn.phys < 0;
}

/** Do both say the same memory? */
export function samePfn(a: Pfn, b: Pfn): boolean {
  return a.phys === b.phys && a.bdev === b.bdev;
}

/** Read bytes of it as part of the step in progress. */
export function loadPfn(pfn: Pfn, offset: number, length: number): Cells {
  if (isZeroPfn(pfn)) return zeroCells(length);
  return pfn.bdev.blocks
    .at(pfn.phys)
    .load()
    .cells.slice(offset, offset + length);
}

function change(pfn: Pfn, make: (disk: DiskBlock) => DiskBlock): void {
  const variable = pfn.bdev.blocks.at(pfn.phys);
  variable.store(make(variable.load()));
}

/**
 * Overwrite bytes of it as part of the step in progress.
 *
 * @throws ContractError `BLOCK_STATE` if it is the page of zeroes.
 */
export function storePfn(pfn: Pfn, offset: number, cells: Cells): void {
  const { ino, phys: block } = pfn;
  if (isZeroPfn(pfn)) throw new ContractError('BLOCK_STATE', { ino, phys: block, in: 'store' });
  change(pfn, (disk) => {
    const { owner } = disk;
    const owned = ownersOf(disk).includes(ino);
    machine.observer.blockWritten?.({ ino, phys: block, owner, owned });
    return { ...disk, cells: spliceCells(disk.cells, offset, cells) };
  });
}

/** Count a page-table entry that points to it, or one less, as part of the step that changes the entry. */
export function countMapping(pfn: Pfn, by: 1 | -1): void {
  if (!isZeroPfn(pfn)) change(pfn, (disk) => ({ ...disk, mapped: disk.mapped + by }));
}

/**
 * Keep memory for a device, or let go of it, as part of the step in progress.
 *
 * @throws ContractError `PAGE_REFCOUNT` if nobody kept it.
 * @see mm/gup.c `try_grab_page()`, mm/memremap.c `put_devmap_managed_page()` (v5.15)
 */
export function countPin(pfn: Pfn, by: 1 | -1): void {
  if (isZeroPfn(pfn)) return;
  change(pfn, (disk) => {
    const pins = disk.pins + by;
    if (pins < 0) throw new ContractError('PAGE_REFCOUNT', { block: pfn.phys, pins });
    return { ...disk, pins };
  });
}
