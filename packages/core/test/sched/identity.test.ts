// Shows that tasks and objects have the same identity in every execution of a search, whatever the order in which they
// come into being.

import { Execution, Identity, SharedArray, SharedVar, type Task } from '@fsport/core';
import { expect, test } from '@jest/globals';

test('a pair has one number, different pairs have different ones, and they are dense', () => {
  const identity = new Identity();
  const ids = [
    identity.objectId(-1, 0),
    identity.objectId(-1, 1),
    identity.objectId(0, 0),
    identity.memberId(0, 7),
  ];
  expect([...ids].sort()).toEqual([0, 1, 2, 3]);
  expect(identity.objectCount).toBe(4);
  expect([identity.objectId(0, 0), identity.memberId(0, 7)]).toEqual(ids.slice(2));
  expect([identity.taskKey(-1, 0), identity.taskKey(0, 0), identity.taskKey(-1, 0)]).toEqual([0, 1, 0]);
  expect([identity.objectCount, identity.taskCount]).toEqual([4, 2]);
});

/** Two tasks that each create an object, touch a member of an array, and create a task; run in some order. */
function run(identity: Identity, order: readonly number[]): Record<string, number> {
  const execution = new Execution({ identity, maxSteps: 100 });
  const start = new SharedVar('start', 0);
  const array = new SharedArray('array', () => 0);
  const ids: Record<string, number> = { start: start.id, array: array.id };
  const body = function* (name: string, index: number): Task<void> {
    yield* start.read();
    ids[`object of ${name}`] = new SharedVar('own', 0).id;
    // Both touch member 0, and one of its own.
    ids['member 0'] = array.at(0).id;
    ids[`member ${index}`] = array.at(index).id;
    ids[`child of ${name}`] = execution.spawn('child', start.read()).key;
    ids[`second object of ${name}`] = new SharedVar('own', 0).id;
  };
  ids['A'] = execution.spawn('A', body('A', 1), 'A').key;
  ids['B'] = execution.spawn('B', body('B', 2), 'B').key;
  let turn = 0;
  const ending = execution.run({
    newExecution: () => true,
    nextTask: ({ runnable }) => {
      const wanted = order[turn++];
      return wanted !== undefined && runnable.includes(wanted) ? wanted : (runnable[0] as number);
    },
    nextChoice: () => 0,
  });
  expect(ending.kind).toBe('done');
  return ids;
}

test('objects, members and children keep their identity when the order changes', () => {
  const identity = new Identity();
  const first = run(identity, [0, 1]);
  expect(
    new Set(
      Object.entries(first)
        .filter(([name]) => !/^[AB]$|child/.test(name))
        .map(([, id]) => id),
    ).size,
  ).toBe(9);
  expect(run(identity, [1, 0])).toEqual(first);
  expect(run(identity, [1, 1, 0])).toEqual(first);
});
