// Shows that the calls of an execution are put in an order that can be, also where one has no step of its own: it is
// refused at once, and so happens together with the step before it.

import { CheckScenario, runCheck } from '@fsport/conformance';
import { type Ending, type Execution, type Inode, iSizeWrite } from '@fsport/core';
import { type Scenario, search, type Violation } from '@fsport/explore';
import { expect, test } from '@jest/globals';
import { checkOf, fixture, PUNCH, READ } from '#src/selftest/fixture.js';

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

/** One task of a scenario after the other, alone. */
class OneByOne implements Scenario {
  readonly name: string;
  readonly letters: readonly string[];
  readonly #inner: Scenario;
  #turn = 0;

  constructor(inner: Scenario) {
    this.#inner = inner;
    this.name = inner.name;
    this.letters = inner.letters;
  }

  start(execution: Execution): void {
    const letter = this.letters[this.#turn++ % this.letters.length] as string;
    this.#inner.start(execution, new Set([letter]));
  }

  judge(execution: Execution, ending: Ending): readonly Violation[] {
    return this.#inner.judge(execution, ending);
  }
}

test('what one task alone leaves open is not what another one alone does', () => {
  const sized = fixture({
    iOps: {
      setattr: function* (inode, { iaSize }) {
        yield* iSizeWrite(inode, iaSize);
        return 0;
      },
    },
  });
  const check = checkOf([[{ op: 'ftruncate', size: 4 }], [{ op: 'ftruncate', size: 2 }]]);
  const scenario = new OneByOne(new CheckScenario(sized, 'v5.14', check));
  const { violations } = search(scenario, { strategy: 'random', maxExecutions: 4, stopAtFirst: false });
  // What it exposes when it is extended later is another matter.
  expect(violations.map(({ rule }) => rule)).not.toContain('LW-1');
});
