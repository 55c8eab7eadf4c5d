// Shows what a server does with the bytes of a file, that a page knows what it was served from, and that a reply which
// comes after its bytes were discarded is noticed in the step that takes it in.

import {
  addToPageCacheLru,
  checkServerFile,
  EIO,
  fillCells,
  layServerFile,
  machine,
  Page,
  pgoff,
  receivePage,
  ServerFile,
  sendMessage,
  serverCopy,
  serverRead,
  serverSetEof,
  serverWrite,
  serverZero,
  showCells,
  type Task,
} from '@fsport/core';
import { describe, expect, test } from '@jest/globals';
import { Toy, type ToyOptions } from '../toy.js';

const LETTERS = { ino: 12, size: 20, blocks: [{ data: 'A' }, { data: 'B' }, { data: 'C' }] };

function served(options: ToyOptions = {}): { toy: Toy; file: ServerFile; text: () => string } {
  const toy = new Toy(options);
  const { first } = layServerFile(toy.sb.sBdev, LETTERS);
  const file = new ServerFile(toy.sb.sBdev, 12, first, 20);
  const blocks = machine.maxBytes / machine.blockSize;
  const text = (): string =>
    Array.from({ length: blocks }, (_, i) => showCells(file.block(i).peek().cells)).join('');
  return { toy, file, text };
}

const cells = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));

test.each([8, 4])('what is not data is zero, with blocks of %d bytes', (blockSize) => {
  const { text, file } = served({ blockSize });
  const expected = blockSize === 8 ? 'AAAAAAAABBBBBBBBCCCC............' : 'AAAABBBBCCCC....................';
  expect([text(), file.block(0).peek().owner]).toEqual([expected, 12]);
});

describe('requests', () => {
  test('a write goes where it belongs, and makes the file longer', () => {
    const { toy, file, text } = served();
    expect(toy.drive(serverWrite(file, 6, cells('wxyz')))).toBe(4);
    toy.drive(serverWrite(file, 22, cells('vw')));
    expect([text(), file.eof.peek()]).toEqual(['AAAAAAwxyzBBBBBBCCCC..vw........', 24]);
  });

  test('a late write does not bring back what was truncated', () => {
    const { toy, file, text } = served();
    toy.drive(serverSetEof(file, 10));
    toy.drive(serverWrite(file, 8, cells('wxyz'), () => true));
    expect([text(), file.eof.peek()]).toEqual(['AAAAAAAAwx......................', 10]);
    toy.drive(serverWrite(file, 16, cells('wxyz'), () => true));
    expect([text(), file.eof.peek()]).toEqual(['AAAAAAAAwx......................', 10]);
  });

  test('a discarded range is zero, its blocks are of another generation, and the size stays', () => {
    const { toy, file, text } = served();
    toy.drive(serverZero(file, 4, 8));
    const generations = [0, 1, 2].map((i) => file.block(i).peek().gen);
    expect([text(), generations, file.eof.peek()]).toEqual([
      'AAAA........BBBBCCCC............',
      [1, 1, 0],
      20,
    ]);
  });

  test('a smaller size zeroes what is beyond it, a larger one shows zeroes', () => {
    const { toy, file, text } = served();
    toy.drive(serverSetEof(file, 9));
    toy.drive(serverSetEof(file, 30));
    expect([text(), file.eof.peek()]).toEqual(['AAAAAAAAB.......................', 30]);
  });

  test('a copy ends with its source, and may overlap it', () => {
    const { toy, file, text } = served();
    expect(toy.drive(serverCopy(file, 4, file, 8, 99))).toBe(16);
    expect([text(), file.eof.peek()]).toEqual(['AAAAAAAAAAAABBBBBBBBCCCC........', 24]);
  });

  test.each([
    ['readIo', (file: ServerFile, page: Page) => serverRead(file, [page])],
    ['writeIo', (file: ServerFile) => serverWrite(file, 0, cells('x'))],
  ] as const)('%s: a request may fail, and changes nothing', (fault, request) => {
    const { toy, file, text } = served({ faults: { [fault]: true } });
    let reply: unknown;
    const body = (function* (): Task<void> {
      reply = yield* request(file, new Page(pgoff(0), false)) as Task<unknown>;
    })();
    toy.race({ a: body }, [], 1);
    expect([reply, text()]).toEqual([-EIO, 'AAAAAAAABBBBBBBBCCCC............']);
  });
});

describe('a page', () => {
  /** Ask for page 1; the server discards it at the same time. */
  function asked(order: [string, string][], cache?: 'dropped after'): { page: Page; owned: boolean[] } {
    const { toy, file } = served();
    const owned: boolean[] = [];
    machine.observer = { blockRead: (_, event) => owned.push(event.owned) };
    const page = new Page(pgoff(1), false);
    const fill = (function* (): Task<void> {
      yield* addToPageCacheLru(page, toy.mapping, pgoff(1));
      page.lock.handOff();
      yield* sendMessage({
        verb: 'READ',
        serve: () => serverRead(file, [page]),
        receive: (reply) => receivePage(file, page, 0, reply),
      });
    })();
    toy.race({ f: fill, z: serverZero(file, 8, 8, cache) }, order);
    return { page, owned };
  }

  test('is valid and unlocked, and knows where it came from', () => {
    const { page, owned } = asked([
      ['f', 'send READ'],
      ['fA', 'page_endio'],
      ['z', 'server_zero'],
    ]);
    expect([showCells(page.peekBytes()), page.uptodate.peek(), page.lock.isLocked]).toEqual([
      'BBBBBBBB',
      true,
      false,
    ]);
    expect([owned, page.source]).toEqual([[true], [{ phys: 1, gen: 0 }]]);
  });

  test('is noticed if its bytes were discarded after they were served', () => {
    const { page, owned } = asked([
      ['f', 'send READ'],
      ['fA', 'server_read'],
      ['z', 'server_zero'],
    ]);
    expect([showCells(page.peekBytes()), owned]).toEqual(['BBBBBBBB', [false]]);
  });

  test('is as it was served, and not stale for good, if the client drops it afterwards', () => {
    const order: [string, string][] = [
      ['f', 'send READ'],
      ['fA', 'server_read'],
      ['z', 'server_zero'],
    ];
    const { page, owned } = asked(order, 'dropped after');
    expect([showCells(page.peekBytes()), owned]).toEqual(['BBBBBBBB', [true]]);
  });

  test('is what the server has if they were discarded before', () => {
    const { page, owned } = asked([['z', 'server_zero']]);
    expect([showCells(page.peekBytes()), owned]).toEqual(['........', [true]]);
  });

  test('is not valid, and unlocked, if the read failed', () => {
    const { toy, file } = served();
    const page = new Page(pgoff(0), true);
    toy.drive(receivePage(file, page, 0, -EIO));
    expect([page.uptodate.peek(), page.error.peek(), page.lock.isLocked]).toEqual([false, true, false]);
  });

  test('stays locked for who wants to write to it', () => {
    const { toy, file } = served();
    const page = new Page(pgoff(0), true);
    const body = (function* (): Task<void> {
      yield* receivePage(file, page, 0, yield* serverRead(file, [page]), false);
    })();
    toy.drive(body);
    expect([page.uptodate.peek(), page.lock.isLocked]).toEqual([true, true]);
  });
});

test('fsck compares sizes, and wants zeroes beyond the end', () => {
  const { file } = served();
  expect(checkServerFile(file, 20)).toEqual([]);
  file.block(3).init({ ...file.block(3).peek(), cells: fillCells(8, 'x'.charCodeAt(0), 0) });
  expect(checkServerFile(file, 24)).toEqual([
    'inode 12 has 24 bytes here, 20 bytes at the server',
    'block 3 of inode 12 is not zero beyond the end of the file',
  ]);
});
