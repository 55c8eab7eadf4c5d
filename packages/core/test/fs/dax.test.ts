// Shows what DAX does on a file of four blocks: where reads, writes and faults go, what stands in i_pages meanwhile, and
// that whoever frees a block finds out who still uses it.

import {
  type Cells,
  daxBreakLayout,
  daxDeleteMappingEntry,
  daxIomapFault,
  daxIomapRw,
  daxLayoutBusyPage,
  daxWritebackMappingRange,
  daxZeroRange,
  filemapInvalidateLock,
  filemapInvalidateLockShared,
  filemapInvalidateUnlock,
  filemapInvalidateUnlockShared,
  fillCells,
  hasPage,
  type Iomap,
  type IomapOps,
  invalidateInodePages2Range,
  ksysMmap,
  layBlock,
  loff,
  MmStruct,
  newBlock,
  type Phys,
  type Pte,
  pgoff,
  phys,
  pinUserPage,
  setDax,
  showCells,
  type Task,
  truncateInodePages,
  unpinUserPage,
  userLoad,
  userStore,
  VM_SHARED,
  VM_WRITE,
  type VmFaultHandler,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { result, Toy, thrown } from '../toy.js';

const INO = 12;

class DaxToy extends Toy {
  readonly map: (Phys | null)[] = [];
  readonly mm = new MmStruct();

  /** @param blocks - A letter for data, `.` for a hole. */
  constructor(blocks: string, flags = VM_SHARED | VM_WRITE) {
    const fault: VmFaultHandler = (vmf) => this.#fault(vmf);
    super({ iFop: { mmap: () => ({ fault, pfnMkwrite: fault }) }, aOps: { readpage: () => result(0) } });
    setDax(this.inode);
    for (const letter of blocks) {
      const cells = fillCells(8, letter.charCodeAt(0), 0);
      this.map.push(letter === '.' ? null : layBlock(this.sb.sBdev, INO, cells));
    }
    this.drive(ksysMmap(this.mm, this.file, pgoff(0), 4, flags, 0));
  }

  *#fault(vmf: Parameters<VmFaultHandler>[0]): Task<number> {
    yield* filemapInvalidateLockShared(this.mapping);
    const done = yield* daxIomapFault(vmf, this.ops);
    yield* filemapInvalidateUnlockShared(this.mapping);
    return done;
  }

  /** One block at a time; a write fills a hole with zeroes. */
  readonly ops: IomapOps = {
    iomapBegin: (_, pos, __, flags) => this.#begin(pos, (flags & 1) !== 0),
  };

  *#begin(pos: number, write: boolean): Task<Iomap | number> {
    const index = Math.floor(pos / 8);
    const place = { offset: index * 8, length: 8 };
    const block = this.map[index] ?? null;
    if (block !== null) return { ...place, type: 'mapped', phys: [block], gens: [0] };
    if (!write) return { ...place, type: 'hole', phys: [], gens: [] };
    const made = yield* newBlock(this.sb.sBdev, INO);
    if (made < 0) return made;
    const disk = this.sb.sBdev.blocks.at(made);
    disk.store({ ...disk.load(), cells: fillCells(8, 0, 0) });
    this.map[index] = phys(made);
    return { ...place, type: 'mapped', isNew: true, phys: [phys(made)], gens: [0] };
  }

  entry(index: number): string {
    const slot = this.mapping.iPages.at(index);
    return slot.show(slot.peek());
  }

  pte(vpn: number): string {
    const pte = this.mm.ptes.at(vpn);
    return pte.show(pte.peek());
  }

  block(block: number): string {
    const { cells, mapped, pins } = this.sb.sBdev.blocks.at(block).peek();
    return `${showCells(cells)} ${mapped} ${pins}`;
  }

  read(pos: number, count: number): string {
    const iter = { count, cells: [] as Cells[], isPipe: false };
    const done = this.drive(daxIomapRw({ kiFilp: this.file, kiPos: loff(pos), kiFlags: 0 }, iter, this.ops));
    return `${done} ${showCells(iter.cells.flat())}`;
  }

  write(pos: number, letters: string): number {
    const cells = [...letters].map((letter) => letter.charCodeAt(0));
    return this.drive(daxIomapRw({ kiFilp: this.file, kiPos: loff(pos), kiFlags: 0 }, cells, this.ops));
  }

  *invalidate(): Task<void> {
    yield* filemapInvalidateLock(this.mapping);
    yield* truncateInodePages(this.mapping, loff(0));
    yield* filemapInvalidateUnlock(this.mapping);
  }
}

describe('read and write', () => {
  test('go to the blocks, holes read as zeroes, and nothing is cached', () => {
    const toy = new DaxToy('AB.D');
    expect(toy.read(4, 16)).toBe('16 AAAABBBBBBBB....');
    expect(toy.write(14, 'xyz')).toBe(3);
    expect([toy.block(1), toy.block(3)]).toEqual(['BBBBBBxy 0 0', 'z....... 0 0']);
    expect(toy.read(30, 8)).toBe('2 DD');
    expect([0, 1, 2, 3].map((index) => toy.entry(index))).toEqual(['none', 'none', 'none', 'none']);
  });

  test('a write that fills a hole takes the page of zeroes from who has it mapped', () => {
    const toy = new DaxToy('A...');
    expect(toy.drive(userLoad(toy.mm, 8))).toBe(0);
    expect([toy.entry(1), toy.pte(1)]).toEqual(['zero', 'zeroes ro']);
    expect(toy.write(8, 'x')).toBe(1);
    expect([toy.entry(1), toy.pte(1)]).toEqual(['none', 'none']);
    expect(toy.drive(userLoad(toy.mm, 8))).toBe('x'.charCodeAt(0));
  });

  test('a range is zeroed in place, and a hole is left alone', () => {
    const toy = new DaxToy('A.CD');
    expect(toy.drive(daxZeroRange(toy.inode, 4, 16, toy.ops))).toBe(0);
    expect([toy.block(0), toy.map[1], toy.block(1)]).toEqual(['AAAA.... 0 0', null, '....CCCC 0 0']);
  });
});

describe('faults', () => {
  test('a load maps the block read-only, a store asks again and marks the entry', () => {
    const toy = new DaxToy('AB');
    expect(toy.drive(userLoad(toy.mm, 0))).toBe(65);
    expect([toy.entry(0), toy.pte(0), toy.block(0)]).toEqual(['block 0', 'block 0 ro', 'AAAAAAAA 1 0']);
    expect(toy.drive(userStore(toy.mm, 1, 'x'.charCodeAt(0)))).toBe('ok');
    expect([toy.entry(0), toy.pte(0), toy.block(0)]).toEqual([
      'block 0 dirty',
      'block 0 rw dirty',
      'AxAAAAAA 1 0',
    ]);
  });

  test('a store to a hole allocates', () => {
    const toy = new DaxToy('.');
    toy.drive(userLoad(toy.mm, 0));
    expect(toy.drive(userStore(toy.mm, 3, 'x'.charCodeAt(0)))).toBe('ok');
    expect([toy.entry(0), toy.pte(0), toy.block(0)]).toEqual([
      'block 0 dirty',
      'block 0 rw dirty',
      '...x.... 1 0',
    ]);
  });

  test('beyond the end of the file: SIGBUS, and no entry', () => {
    const toy = new DaxToy('AB');
    toy.inode.iSize.init(8);
    expect(toy.drive(userLoad(toy.mm, 8))).toBe('SIGBUS');
    expect(toy.entry(1)).toBe('none');
  });

  test.each(['A', '.'])('a store to a private mapping of "%s" goes to a copy', (letter) => {
    const toy = new DaxToy(letter, VM_WRITE);
    expect(toy.drive(userStore(toy.mm, 0, 'x'.charCodeAt(0)))).toBe('ok');
    const first = toy.mm.ptes.at(0).peek() as Pte;
    expect(hasPage(first) && showCells(first.page.peekBytes())).toBe(
      letter === 'A' ? 'xAAAAAAA' : 'x.......',
    );
    const read = new DaxToy(letter, VM_WRITE);
    read.drive(userLoad(read.mm, 0));
    expect(read.drive(userStore(read.mm, 0, 'x'.charCodeAt(0)))).toBe('ok');
    const second = read.mm.ptes.at(0).peek() as Pte;
    expect(hasPage(second) && showCells(second.page.peekBytes())).toBe(
      letter === 'A' ? 'xAAAAAAA' : 'x.......',
    );
    if (letter === 'A') expect(read.block(0)).toBe('AAAAAAAA 0 0');
  });

  test('two at one index: the second waits for the entry, and finds the block of the first', () => {
    const toy = new DaxToy('.');
    const other = new MmStruct('other');
    toy.drive(ksysMmap(other, toy.file, pgoff(0), 1, VM_SHARED | VM_WRITE, 0));
    const tasks = { A: userStore(toy.mm, 0, 'x'.charCodeAt(0)), B: userStore(other, 1, 'y'.charCodeAt(0)) };
    const order: [string, string][] = [
      ['A', 'grab_mapping_entry'],
      ['B', 'down_read'],
      ['B', 'down_read'],
      ['B', 'i_size_read'],
    ];
    expect(toy.race(tasks, order).kind).toBe('done');
    const steps = toy.steps.filter((step) => /grab|unlock_entry|new_blocks/.test(step));
    expect(steps).toEqual([
      'grab_mapping_entry(DAX_LOCKED[0])',
      'ext4_mb_new_blocks(block_bitmap)',
      'dax_unlock_entry(DAX_LOCKED[0])',
      'grab_mapping_entry(DAX_LOCKED[0])',
      'dax_unlock_entry(DAX_LOCKED[0])',
    ]);
    expect([toy.block(0), toy.entry(0)]).toEqual(['xy...... 2 0', 'block 0 dirty']);
  });
});

describe('entries go', () => {
  test('with a truncation, and with an invalidation if they are clean', () => {
    const toy = new DaxToy('AB');
    toy.drive(userLoad(toy.mm, 0));
    toy.drive(userStore(toy.mm, 8, 'x'.charCodeAt(0)));
    expect(toy.mapping.nrpages.peek()).toBe(2);
    expect(toy.drive(invalidateInodePages2Range(toy.mapping, pgoff(0), pgoff(3)))).toBe(-16);
    expect([toy.entry(0), toy.entry(1), toy.pte(0), toy.pte(1)]).toEqual([
      'none',
      'block 1 dirty',
      'none',
      'none',
    ]);
    toy.drive(toy.invalidate());
    expect([toy.entry(1), toy.mapping.nrpages.peek()]).toEqual(['none', 0]);
  });

  test('when made durable, they stay and are clean, and the next store is noticed', () => {
    const toy = new DaxToy('A');
    toy.drive(userStore(toy.mm, 0, 'x'.charCodeAt(0)));
    const all = { sync: 'WB_SYNC_ALL', rangeStart: loff(0), rangeEnd: loff(100) } as const;
    expect(toy.drive(daxWritebackMappingRange(toy.mapping, all))).toBe(0);
    expect([toy.entry(0), toy.pte(0)]).toEqual(['block 0', 'block 0 ro']);
    toy.drive(userStore(toy.mm, 0, 'y'.charCodeAt(0)));
    expect(toy.entry(0)).toBe('block 0 dirty');
  });

  test('only once: who removes an entry that is gone invalidates against somebody else', () => {
    const toy = new DaxToy('A');
    toy.drive(userLoad(toy.mm, 0));
    toy.drive(daxDeleteMappingEntry(toy.mapping, pgoff(0)));
    expect(thrown(() => toy.drive(daxDeleteMappingEntry(toy.mapping, pgoff(0))))).toEqual({
      code: 'DAX_ENTRY_GONE',
      ino: INO,
      index: 0,
    });
  });
});

describe('devices', () => {
  function* dma({ mm }: DaxToy): Task<void> {
    const pin = yield* pinUserPage(mm, 0, false);
    const block = mmBlock(pin as Pte);
    yield* block.section('unpin', () => unpinUserPage(pin as Pte));
  }
  const mmBlock = (pin: Pte) => {
    if (hasPage(pin)) throw new Error('not storage');
    return pin.pfn.bdev.blocks.at(pin.pfn.phys);
  };

  function* breakLayout(toy: DaxToy, seen: number[]): Task<void> {
    const { mapping } = toy;
    yield* filemapInvalidateLock(mapping);
    yield* daxBreakLayout(
      mapping,
      () => daxLayoutBusyPage(mapping),
      () => filemapInvalidateUnlock(mapping),
      () => filemapInvalidateLock(mapping),
    );
    seen.push(toy.sb.sBdev.blocks.at(0).load().pins);
    yield* filemapInvalidateUnlock(mapping);
  }

  const broken = (
    toy: DaxToy,
    order: [string, string][],
  ): { readonly pins: number[]; readonly waits: number } => {
    const pins: number[] = [];
    expect(toy.race({ D: dma(toy), T: breakLayout(toy, pins) }, order).kind).toBe('done');
    return { pins, waits: toy.steps.filter((step) => step.startsWith('___wait')).length };
  };

  test('one that has the memory is waited for, and the file is looked through once more', () => {
    const toy = new DaxToy('A');
    toy.drive(userLoad(toy.mm, 0));
    expect(
      broken(toy, [
        ['D', 'gup_pte_range'],
        ['T', 'up_write'],
        ['T', 'up_write'],
      ]),
    ).toEqual({ pins: [0], waits: 1 });
    expect(toy.steps.filter((step) => step.startsWith('mapping_mapped'))).toHaveLength(2);
  });

  test('one that comes later finds the file unmapped, and its fault waits', () => {
    const toy = new DaxToy('A');
    toy.drive(userLoad(toy.mm, 0));
    expect(
      broken(toy, [
        ['T', 'zap_pte_range'],
        ['D', 'gup_pte_range'],
      ]),
    ).toEqual({ pins: [0], waits: 0 });
  });

  test('one that comes in during the wait is waited for, too', () => {
    const toy = new DaxToy('A');
    toy.drive(userLoad(toy.mm, 0));
    const late = { D: dma(toy), T: breakLayout(toy, []), E: dma(toy) };
    const order: [string, string][] = [
      ['D', 'gup_pte_range'],
      ['T', 'up_write'],
      ['T', 'up_write'],
      ['E', 'gup_pte_range'],
      ['E', 'gup_pte_range'],
      ['D', 'unpin'],
    ];
    expect(toy.race(late, order).kind).toBe('done');
    expect(toy.block(0).slice(-1)).toBe('0');
  });

  test('a file that nobody has mapped is not looked through', () => {
    const toy = new DaxToy('A');
    toy.mapping.iMmap.init([]);
    expect(toy.drive(daxLayoutBusyPage(toy.mapping))).toBe(null);
    expect(toy.steps).toEqual(['mapping_mapped(mapping.i_mmap[12])']);
  });
});
