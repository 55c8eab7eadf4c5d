// Shows that the calls of an execution are put in an order that can be, also where one has no step of its own: it is
// refused at once, and so happens together with the step before it.

import { runCheck } from '@fsport/conformance';
import type { Inode } from '@fsport/core';
import { expect, test } from '@jest/globals';
import { checkOf, fixture, PUNCH, READ } from './self/fixture.js';

function diskOf({ iSb }: Inode) {
  return iSb.sBdev.blocks.at(0);
}

/** Reads and writes are one step each, all on the same block; there is no fallocate. */
const fs = fixture({
  fOps: {
    readIter: function* (iocb, iter) {
      const { cells } = yield* diskOf(iocb.kiFilp.fInode).read();
      iter.cells.push(cells.slice(0, iter.count));
      return iter.count;
    },
    writeIter: function* (iocb, cells) {
      const disk = diskOf(iocb.kiFilp.fInode);
      const old = disk.peek();
      yield* disk.write({ ...old, cells: [...cells, ...old.cells.slice(cells.length)] });
      return cells.length;
    },
  },
});

test('a refused call between two reads does not confuse the order', () => {
  const check = checkOf([[READ, PUNCH, READ], [{ op: 'pwrite', pos: 0, data: 'x' }]]);
  expect(runCheck(fs, 'v5.15', check, null)).toMatchObject({ result: { verdict: 'pass' }, failure: null });
});
