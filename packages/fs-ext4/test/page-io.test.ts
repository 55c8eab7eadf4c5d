// Shows how pages are written back: what is allocated when, what several pages share, what happens to errors, and what
// reclaim may write (kernel-facts 1.17, 3.1).

import {
  callWritepage,
  clearPageDirtyForIo,
  EIO,
  IOCB_DIRECT,
  ksysFsync,
  ksysPwrite64,
  lockPage,
  loff,
  machine,
  type Page,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { World } from './world.js';

const SUB = { pageSize: 8, blockSize: 4 } as const;

function write(world: World, pos: number, text: string): void {
  world.run(ksysPwrite64(world.file, loff(pos), world.cells(text)));
}

/** A page of two blocks, the second one a hole. */
function half(file: string, size: number): World {
  const world = new World({ file, size, ...SUB });
  const { iData } = world.inode.info as { iData: { at(i: number): { init(e: unknown): void } } };
  iData.at(1).init({ state: 'hole', phys: -1, gen: -1 });
  return world;
}

/** Requests and changes of the map from now on. */
function log(world: World): string[] {
  const seen: string[] = [];
  machine.trace.on('block_bio_queue', ({ rw, block, count }) => seen.push(`${rw} ${block}+${count}`));
  machine.trace.on('block_bio_complete', ({ rw, block, count }) => seen.push(`${rw} ${block}+${count} done`));
  world.execution.recorder = {
    performed: (step) => {
      if (/^(?:ext4_mb|ext4_ext_conv|ext4_conv|end_page)/.test(step.verb)) seen.push(step.verb);
    },
  };
  return seen;
}

describe('ext4_writepages', () => {
  test('delayed neighbours are allocated together, as unwritten blocks, and converted after the I/O', () => {
    const world = new World({ file: 'A' });
    write(world, 8, '0123456789abcdef');
    const seen = log(world);
    world.run(ksysFsync(world.file));
    expect(seen).toEqual([
      'ext4_mb_new_blocks',
      'ext4_mb_new_blocks',
      'W 1+2',
      'W 1+2 done',
      'ext4_convert_unwritten_extents_endio',
      'end_page_writeback',
      'end_page_writeback',
    ]);
    expect(world.map()).toBe('mmm');
  });

  test('with blocks smaller than pages there is no conversion', () => {
    const world = new World({ file: 'A', ...SUB });
    write(world, 8, '01234567');
    const seen = log(world);
    world.run(ksysFsync(world.file));
    expect(seen).toEqual([
      'ext4_mb_new_blocks',
      'ext4_mb_new_blocks',
      'W 2+2',
      'W 2+2 done',
      'end_page_writeback',
    ]);
  });

  test('a page that is partly delayed and partly mapped is written as a whole', () => {
    const world = half('A', 4);
    write(world, 2, 'wxyz');
    expect(world.map()).toBe('md');
    const seen = log(world);
    world.run(ksysFsync(world.file));
    expect(seen.filter((line) => line.startsWith('W'))).toEqual(['W 0+2', 'W 0+2 done']);
    expect([world.disk(0), world.disk(1)]).toEqual(['AAwx', 'yz..']);
  });

  test('only dirty blocks of a page are written', () => {
    const world = new World({ file: 'AB', ...SUB });
    write(world, 4, 'x');
    const seen = log(world);
    world.run(ksysFsync(world.file));
    expect(seen).toEqual(['W 1+1', 'W 1+1 done', 'end_page_writeback']);
  });

  test('runs of different kinds in one page: unwritten, then delayed', () => {
    const world = half('u', 8);
    write(world, 0, '01234567');
    world.run(ksysFsync(world.file));
    expect(world.map()).toBe('mm');
    expect([world.disk(0), world.disk(1)]).toEqual(['0123', '4567']);
  });

  test('the end of the last page does not reach the disk', () => {
    const world = new World({ file: 'A' });
    write(world, 8, 'xy');
    (world.page(1) as Page).storeBytes(2, world.cells('!!'));
    world.run(ksysFsync(world.file));
    expect(world.disk(1)).toBe('xy......');
  });

  test('a failed write is told by fsync, once; the page is clean', () => {
    const world = new World({ file: 'A', faults: { writeIo: true } });
    write(world, 0, 'x');
    expect(world.runFailing(ksysFsync(world.file))).toBe(-EIO);
    expect(world.page(0)?.dirty.peek()).toBe(false);
    expect(world.page(0)?.writeback.peek()).toBe(false);
    expect(world.run(ksysFsync(world.file))).toBe(0);
  });

  test('as in the kernel, a block is converted even if writing it failed: its old content shows', () => {
    const world = new World({ file: 'A', faults: { writeIo: true } });
    write(world, 8, '01234567');
    world.runFailing(ksysFsync(world.file));
    world.dropCache();
    expect(world.read(0, 64, IOCB_DIRECT)).toBe('AAAAAAAA????????');
  });
});

describe('ext4_writepage', () => {
  const WBC = { sync: 'WB_SYNC_NONE', rangeStart: loff(0), rangeEnd: loff(63) } as const;

  function* reclaim(page: Page): Task<number> {
    yield* lockPage(page);
    yield* clearPageDirtyForIo(page);
    return yield* callWritepage(page, WBC);
  }

  test('writes a page whose blocks are mapped', () => {
    const world = new World({ file: 'A' });
    write(world, 0, 'x');
    const page = world.page(0) as Page;
    expect(world.run(reclaim(page))).toBe(0);
    expect(world.disk(0)).toBe('xAAAAAAA');
    expect([page.dirty.peek(), page.lock.isLocked]).toEqual([false, false]);
  });

  test('leaves one that needs a block dirty', () => {
    const world = new World({ file: '.' });
    write(world, 0, 'x');
    const page = world.page(0) as Page;
    expect(world.run(reclaim(page))).toBe(0);
    expect(world.map()).toBe('d');
    expect([page.dirty.peek(), page.writeback.peek(), page.lock.isLocked]).toEqual([true, false, false]);
  });

  test('leaves one of which a part needs a block dirty: kswapd does not write parts of pages', () => {
    const world = half('A', 4);
    write(world, 2, 'wxyz');
    const page = world.page(0) as Page;
    expect(world.run(reclaim(page))).toBe(0);
    expect(world.disk(0)).toBe('AAAA');
    expect([world.map(), page.dirty.peek(), page.lock.isLocked]).toEqual(['md', true, false]);
  });
});
