// Shows that a request is submitted and completed in separate steps, that a block knows its owner and how often it was
// freed, that a freed block is a stranger's at once, and that bytes keep their origin on the way to the disk and back.

import {
  type Bio,
  BlockDevice,
  boot,
  current,
  detachBlock,
  EIO,
  ENOSPC,
  FREE,
  fillCells,
  freeBlock,
  giveBlock,
  layBlock,
  letterCells,
  machine,
  newBlock,
  type Observer,
  ownersOf,
  Page,
  type Phys,
  pgoff,
  phys,
  STRANGER,
  shareBlock,
  showCells,
  submitBio,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { everyInterleaving, nothing, Toy, type ToyOptions, text, thrown } from '../toy.js';

const INO = 12;

function disk(options: ToyOptions = {}): { toy: Toy; bdev: BlockDevice } {
  const toy = new Toy(options);
  return { toy, bdev: toy.sb.sBdev };
}

/** A request for one page of one block. */
function bio(
  rw: 'R' | 'W',
  page: Page,
  block: Phys,
  gen: number,
  done: (error: number) => void = () => undefined,
): Bio {
  return {
    rw,
    ino: INO,
    vecs: [{ page, block: 0, phys: block, gen }],
    endIo: (error) => {
      done(error);
      return nothing();
    },
  };
}

/** A page that holds one letter. */
function letterPage(letter: string): Page {
  const page = new Page(pgoff(0), false);
  page.content[0]?.init(
    fillCells(8, letter.charCodeAt(0), machine.origins.add({ kind: 'write', text: letter, ino: INO })),
  );
  return page;
}

/** Note what an observer hears. */
function listen(): string[] {
  const heard: string[] = [];
  const note =
    (what: string) =>
    (...args: readonly unknown[]): void => {
      const { phys: block, owned, owner, writes } = args.at(-1) as Record<string, unknown>;
      heard.push([what, block, owned, owner, writes].filter((value) => value !== undefined).join(' '));
    };
  const observer: Required<
    Pick<Observer, 'blockRead' | 'blockWriteSubmitted' | 'blockWritten' | 'blockFreed'>
  > = {
    blockRead: note('read'),
    blockWriteSubmitted: note('submitted'),
    blockWritten: note('written'),
    blockFreed: note('freed'),
  };
  machine.observer = observer;
  return heard;
}

describe('blocks', () => {
  test('a new disk is full of what former owners left, and free', () => {
    const { bdev } = disk();
    expect(bdev.freeBlocks.peek()).toHaveLength(8);
    const block = bdev.blocks.at(5).peek();
    expect([block.owner, block.gen, block.writes, showCells(block.cells)]).toEqual([FREE, 0, 0, '????????']);
    expect(machine.origins.of(block.cells[0] as number)).toMatchObject({ kind: 'secret', ino: 0 });
  });

  test('the lowest free one is allocated, with what it holds; a full disk says -ENOSPC', () => {
    const { toy, bdev } = disk();
    const got = Array.from({ length: 9 }, () => toy.drive(newBlock(bdev, INO)));
    expect(got).toEqual([0, 1, 2, 3, 4, 5, 6, 7, -ENOSPC]);
    const block = bdev.blocks.at(0).peek();
    expect([block.owner, block.gen, showCells(block.cells)]).toEqual([INO, 0, '????????']);
  });

  test('two tasks never get the same one', () => {
    everyInterleaving(
      () => {
        const { toy, bdev } = disk();
        const got: unknown[] = [];
        const allocate = function* (): Task<void> {
          got.push(yield* newBlock(bdev, INO));
        };
        return { toy, got, tasks: { A: allocate(), B: allocate() } };
      },
      ({ got }) => expect([...got].sort()).toEqual([0, 1]),
    );
  });

  test("a freed one is a stranger's at once, who fills it with a secret; it does not come back", () => {
    const { toy, bdev } = disk();
    const block = toy.drive(newBlock(bdev, INO)) as Phys;
    const heard = listen();
    toy.drive(freeBlock(bdev, INO, block));
    const { owner, gen, cells } = bdev.blocks.at(block).peek();
    expect([owner, gen, showCells(cells), ...heard]).toEqual([STRANGER, 1, '########', 'freed 0 0']);
    expect(machine.origins.of(cells[0] as number)).toMatchObject({ kind: 'secret', ino: STRANGER });
    expect(toy.drive(newBlock(bdev, INO))).toBe(1);
  });

  test('without hostile reuse it is free, holds what it held, and is the next to be allocated', () => {
    const { toy } = disk();
    boot({ ...machine.config, hostileReuse: false });
    const bdev = new BlockDevice(4);
    const block = layBlock(bdev, INO, fillCells(8, 65, 0));
    layBlock(bdev, INO);
    toy.drive(freeBlock(bdev, INO, block));
    const { owner, gen, cells } = bdev.blocks.at(block).peek();
    expect([owner, gen, showCells(cells), bdev.freeBlocks.peek()]).toEqual([FREE, 1, 'AAAAAAAA', [0, 2, 3]]);
    expect(toy.drive(newBlock(bdev, 13))).toBe(block);
  });

  test('each free is a new generation', () => {
    const { toy } = disk();
    boot({ ...machine.config, hostileReuse: false });
    const bdev = new BlockDevice(1);
    for (const gen of [1, 2]) {
      const block = toy.drive(newBlock(bdev, INO)) as Phys;
      toy.drive(freeBlock(bdev, INO, block));
      expect(bdev.blocks.at(block).peek().gen).toBe(gen);
    }
  });

  test('a free says how many writes are in flight', () => {
    const { toy, bdev } = disk();
    const heard = listen();
    const both = function* (): Task<void> {
      yield* submitBio(bdev, bio('W', letterPage('A'), phys(0), 0));
      yield* freeBlock(bdev, INO, phys(0));
    };
    expect(toy.race({ A: both() }, [['A', 'ext4_free_blocks']]).kind).toBe('done');
    expect(heard).toContain('freed 0 1');
  });
});

describe('a block that is shared', () => {
  const OTHER = 13;

  function shared(): { toy: Toy; bdev: BlockDevice; block: Phys } {
    const { toy, bdev } = disk();
    const block = layBlock(bdev, INO, fillCells(8, 65, 0));
    toy.drive(shareBlock(bdev, OTHER, block));
    return { toy, bdev, block };
  }

  const owners = (bdev: BlockDevice, block: Phys): readonly number[] =>
    ownersOf(bdev.blocks.at(block).peek());
  const other = (request: Bio): Bio => ({ ...request, ino: OTHER });

  test('belongs to both, and is freed with the last of them', () => {
    const { toy, bdev, block } = shared();
    const heard = listen();
    expect(owners(bdev, block)).toEqual([INO, OTHER]);
    toy.drive(freeBlock(bdev, INO, block));
    expect([owners(bdev, block), bdev.blocks.at(block).peek().gen, heard]).toEqual([[OTHER], 0, []]);
    toy.drive(freeBlock(bdev, OTHER, block));
    expect([owners(bdev, block), heard]).toEqual([[], [`freed ${block} 0`]]);
    expect(bdev.blocks.at(block).peek()).toMatchObject({ owner: STRANGER, gen: 1, sharers: [] });
  });

  test('can be shared with itself: each place counts', () => {
    const { toy, bdev, block } = shared();
    toy.drive(shareBlock(bdev, OTHER, block));
    toy.drive(freeBlock(bdev, OTHER, block));
    expect(owners(bdev, block)).toEqual([INO, OTHER]);
  });

  test('may be read by both, and by nobody who gave it up', () => {
    const { toy, bdev, block } = shared();
    const heard = listen();
    const read = bio('R', new Page(pgoff(0), false), block, 0);
    toy.drive(submitBio(bdev, read));
    toy.drive(submitBio(bdev, other(read)));
    toy.drive(freeBlock(bdev, INO, block));
    toy.drive(submitBio(bdev, read));
    toy.drive(submitBio(bdev, other(read)));
    expect(heard).toEqual([true, true, false, true].map((owned) => `read ${block} ${owned}`));
  });

  test('may be written to by none of them, until one is left', () => {
    const { toy, bdev, block } = shared();
    const reasons: [boolean, string][] = [];
    machine.observer = { blockWriteSubmitted: ({ owned, reason }) => reasons.push([owned, reason]) };
    const write = bio('W', letterPage('B'), block, 0);
    toy.drive(submitBio(bdev, write));
    toy.drive(freeBlock(bdev, OTHER, block));
    toy.drive(submitBio(bdev, write));
    expect(reasons).toEqual([
      [false, `block ${block} belongs to inode 12 and to inode 13`],
      [true, ''],
    ]);
  });

  test('that was taken out of its file may be read and finished, and not be written to anew, until it is freed', () => {
    const { toy, bdev } = disk();
    const block = layBlock(bdev, INO);
    const heard = listen();
    const taken = function* (): Task<void> {
      yield* submitBio(bdev, bio('W', letterPage('A'), block, 0));
      detachBlock(bdev, block);
    };
    toy.drive(taken());
    toy.drive(submitBio(bdev, bio('R', letterPage('.'), block, 0)));
    toy.drive(submitBio(bdev, bio('W', letterPage('B'), block, 0)));
    toy.drive(freeBlock(bdev, INO, block));
    expect(heard).toEqual([
      `submitted ${block} true`,
      `written ${block} true ${INO}`,
      `read ${block} true`,
      `submitted ${block} false`,
      `written ${block} true ${INO}`,
      `freed ${block} 0`,
    ]);
    expect(bdev.blocks.at(block).peek().detached).toBe(false);
  });

  test('that becomes shared while it is written to is noticed when the write has ended', () => {
    const { toy, bdev } = disk();
    const block = layBlock(bdev, INO);
    const heard = listen();
    const both = function* (): Task<void> {
      yield* submitBio(bdev, bio('W', letterPage('A'), block, 0));
      yield* shareBlock(bdev, OTHER, block);
    };
    expect(toy.race({ A: both() }, [['A', 'xfs_refcount_increase_extent']]).kind).toBe('done');
    expect(heard).toEqual([`submitted ${block} true`, `written ${block} false ${INO}`]);
  });

  test('a part of it is given to another file, and the rest stays where it is', () => {
    const { toy, bdev, block } = shared();
    toy.drive(bdev.blocks.at(block).section('give', () => giveBlock(bdev, INO, 14, block)));
    expect(owners(bdev, block)).toEqual([OTHER, 14]);
  });

  test.each([
    ['shares what is free', (bdev: BlockDevice): Task<void> => shareBlock(bdev, INO, phys(5))],
    ['gives up what is not his', (bdev: BlockDevice): Task<void> => freeBlock(bdev, 14, phys(0))],
  ])('nobody %s', (_, task) => {
    const { toy, bdev } = shared();
    expect(thrown(() => toy.drive(task(bdev)))).toMatchObject({
      code: 'BLOCK_STATE',
      owner: expect.any(Number),
    });
  });
});

describe('mkfs', () => {
  test('lays blocks from the first, padded with zeroes; a full disk is a misuse', () => {
    const { bdev } = disk();
    expect(layBlock(bdev, INO, letterCells(INO, 0, 3, 'A'))).toBe(0);
    expect(layBlock(bdev, INO)).toBe(1);
    expect([0, 1].map((at) => showCells(bdev.blocks.at(at).peek().cells))).toEqual(['AAA.....', '????????']);
    for (let at = 2; at < 8; at++) layBlock(bdev, INO);
    expect(thrown(() => layBlock(bdev, INO))).toMatchObject({ code: 'BAD_OPTION', nrBlocks: 8 });
  });

  test.each([
    [0, 20, 'AAAAAAAA'],
    [16, 20, 'AAAA'],
    [24, 20, ''],
  ])('a letter at byte %d of a file of %d bytes', (pos, size, shown) => {
    disk();
    const cells = letterCells(INO, pos, size, 'A');
    expect(showCells(cells)).toBe(shown);
    for (const cell of cells) {
      expect(machine.origins.of(cell)).toEqual({
        kind: 'write',
        text: `"A" written to inode 12 at byte ${pos} by mkfs`,
        ino: INO,
      });
    }
  });
});

describe('a read', () => {
  test('is submitted in one step; the bytes come in another, of a task of its own', () => {
    const { toy, bdev } = disk();
    const block = layBlock(bdev, INO, fillCells(8, 65, 0));
    const page = new Page(pgoff(0), false);
    const log: string[] = [];
    const reader = function* (): Task<void> {
      yield* submitBio(
        bdev,
        bio('R', page, block, 0, (error) => log.push(`end ${error}`)),
      );
      log.push(`submitted ${text(page)}`);
    };
    expect(toy.race({ A: reader() }, []).kind).toBe('done');
    expect([log, text(page)]).toEqual([['submitted ........', 'end 0'], 'AAAAAAAA']);
    expect(page.source[0]).toEqual({ phys: block, gen: 0 });
    expect(toy.steps).toEqual(['submit_bio(disk[0])', 'bio_endio(disk[0])']);
  });

  test("that meets a free in between reads the secret, and knows that the block was not the file's", () => {
    const seen = new Set<string>();
    everyInterleaving(
      () => {
        const { toy, bdev } = disk();
        const block = layBlock(bdev, INO, fillCells(8, 65, 0));
        const page = new Page(pgoff(0), false);
        const heard = listen();
        const read = submitBio(bdev, bio('R', page, block, 0));
        return { toy, page, heard, tasks: { A: read, B: freeBlock(bdev, INO, block) } };
      },
      ({ page, heard }) => {
        const [read] = heard.filter((line) => line.startsWith('read'));
        seen.add(`${text(page)} ${read}`);
      },
    );
    expect(seen).toEqual(new Set(['AAAAAAAA read 0 true', '######## read 0 false']));
  });

  test('of a block that was freed and given to the same file again is not owned: the generation tells', () => {
    const { toy, bdev } = disk();
    const block = layBlock(bdev, INO);
    bdev.blocks.at(block).init({ ...bdev.blocks.at(block).peek(), gen: 1 });
    let reason = '';
    machine.observer = { blockRead: (_page, event) => (reason = event.reason) };
    toy.drive(submitBio(bdev, bio('R', new Page(pgoff(0), false), block, 0)));
    expect(reason).toBe('block 0 was freed after it was looked up, and belongs to inode 12');
  });

  test('that fails leaves the page alone', () => {
    const { toy, bdev } = disk({ faults: { readIo: true } });
    const block = layBlock(bdev, INO, fillCells(8, 65, 0));
    const page = new Page(pgoff(0), false);
    const heard = listen();
    const errors: number[] = [];
    toy.race(
      {
        A: submitBio(
          bdev,
          bio('R', page, block, 0, (error) => errors.push(error)),
        ),
      },
      [],
      1,
    );
    expect([text(page), page.source, errors, heard]).toEqual(['........', [null], [-EIO], []]);
  });

  test('does not fail unless the check lets it', () => {
    const { toy, bdev } = disk({ faults: { writeIo: true } });
    const errors: number[] = [];
    const read = bio('R', new Page(pgoff(0), false), layBlock(bdev, INO), 0, (error) => errors.push(error));
    toy.race({ A: submitBio(bdev, read) }, [], 1);
    expect(errors).toEqual([0]);
  });
});

describe('a write', () => {
  test('takes what the page holds when it completes, and is in flight until then', () => {
    const { toy, bdev } = disk();
    const block = layBlock(bdev, INO);
    const page = letterPage('A');
    const inFlight: number[] = [];
    const writer = function* (): Task<void> {
      yield* submitBio(bdev, bio('W', page, block, 0));
      inFlight.push(bdev.blocks.at(block).peek().writes);
      yield* (page.content[0] as NonNullable<(typeof page.content)[0]>).write(letterPage('B').peekBytes());
    };
    toy.race({ A: writer() }, []);
    const { cells, writes } = bdev.blocks.at(block).peek();
    expect([inFlight, showCells(cells), writes]).toEqual([[1], 'BBBBBBBB', 0]);
    expect(machine.origins.of(cells[0] as number).text).toBe('B');
  });

  test('to a block that was freed meanwhile destroys what the stranger wrote, and is reported', () => {
    const seen = new Set<string>();
    everyInterleaving(
      () => {
        const { toy, bdev } = disk();
        const block = layBlock(bdev, INO);
        const heard = listen();
        const write = submitBio(bdev, bio('W', letterPage('A'), block, 0));
        return { toy, bdev, heard, tasks: { A: write, B: freeBlock(bdev, INO, block) } };
      },
      ({ bdev, heard }) => {
        const written = heard.filter((line) => !line.startsWith('freed')).join(', ');
        seen.add(`${showCells(bdev.blocks.at(0).peek().cells)} ${written}`);
      },
    );
    expect(seen).toEqual(
      new Set([
        'AAAAAAAA submitted 0 false, written 0 false -1',
        'AAAAAAAA submitted 0 true, written 0 false -1',
        '######## submitted 0 true, written 0 true 12',
      ]),
    );
  });

  test('that fails leaves the disk alone', () => {
    const { toy, bdev } = disk({ faults: { writeIo: true } });
    const block = layBlock(bdev, INO);
    const errors: number[] = [];
    const write = bio('W', letterPage('A'), block, 0, (error) => errors.push(error));
    toy.race({ A: submitBio(bdev, write) }, [], 1);
    const { cells, writes } = bdev.blocks.at(block).peek();
    expect([showCells(cells), writes, errors]).toEqual(['????????', 0, [-EIO]]);
  });
});

describe('tracepoints of requests', () => {
  test.each(['R', 'W'] as const)('a request (%s) enters and ends', (rw) => {
    const { toy, bdev } = disk();
    const [one, two] = [layBlock(bdev, INO), layBlock(bdev, INO)];
    const seen: unknown[] = [];
    toy.trace.on('block_bio_queue', (event) => seen.push('queue', event));
    toy.trace.on('block_bio_complete', (event) => seen.push('complete', event));
    const page = letterPage('A');
    const vecs = [one, two].map((block) => ({ page, block: 0, phys: block, gen: 0 }));
    toy.drive(submitBio(bdev, { rw, ino: INO, vecs, endIo: () => nothing() }));
    const block = { ino: INO, block: one, count: 2, rw };
    expect(seen).toEqual(['queue', block, 'complete', { ...block, error: 0 }]);
    expect(current).toBe(toy.execution);
  });
});
