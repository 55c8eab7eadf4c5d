// Shows in which order jobs are started and their results handed on.

import { CHECKS } from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';
import { InOrder } from '#src/in-order.js';
import { type Job, jobKey, longestFirst, shuffled } from '#src/jobs.js';

/** Jobs of one filesystem; only its name is looked at. */
const JOBS = CHECKS.slice(0, 20).map(
  (check) => ({ plugin: { fs: { name: 'x' } }, profile: 'v5.15', check }) as Job,
);

describe('jobs are started', () => {
  test('longest first, those that nobody knows before all others, otherwise as they come', () => {
    const took = [3, null, 10, 3, null];
    const known = took.flatMap((seconds, i) =>
      seconds === null ? [] : [[jobKey(JOBS[i] as Job), seconds] as const],
    );
    expect(longestFirst(JOBS.slice(0, 5), new Map(known))).toEqual([1, 4, 2, 0, 3]);
  });

  test('in an order that the seed decides, each once', () => {
    const orders = [1, 1, 2, 3].map((seed) => shuffled(JOBS, seed));
    for (const order of orders) expect(new Set(order)).toEqual(new Set(JOBS));
    expect(orders[1]).toEqual(orders[0]);
    expect(new Set(orders.map((order) => order.map(jobKey).join())).size).toBe(3);
  });
});

test('results are handed on in order, as soon as they can be', () => {
  const seen: string[] = [];
  const inOrder = new InOrder<string>((value) => seen.push(value));
  inOrder.add(2, 'c');
  inOrder.add(1, 'b');
  expect(seen).toEqual([]);
  inOrder.add(0, 'a');
  expect(seen).toEqual(['a', 'b', 'c']);
  inOrder.add(3, 'd');
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
});
