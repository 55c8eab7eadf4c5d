// Shows that a long check goes on from its last checkpoint to the result that it would have had: the same counts, the
// same failure, the same findings about all executions together. Everything goes through JSON and a new scenario.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKS, type Check, CheckScenario } from '@fsport/conformance';
import type { FileSystemType, LockGraphSnapshot } from '@fsport/core';
import { type SearchCheckpoint, type SearchOptions, type SearchResult, search } from '@fsport/explore';
import ext4 from '@fsport/fs-ext4';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KeptSearch } from '#src/kept-search.js';

/** More than 4,000 executions of three tasks. */
const CHECK = CHECKS.find(({ id }) => id === 'race/e1-read-vs-punch') as Check;
const LIMITS: SearchOptions = { strategy: 'auto', maxExecutions: 4_000 };

/** Search in a new process every so many executions. */
function interrupted(
  fs: FileSystemType,
  check: Check,
  profile: string,
  every: number,
): SearchResult & { times: number } {
  let from: SearchCheckpoint | null = null;
  for (let times = 0; ; times++) {
    let since = 0;
    let saved: SearchCheckpoint | null = null;
    const stop = new Error('killed');
    const checkpoints = {
      from,
      due: () => ++since === every,
      save: (checkpoint: SearchCheckpoint) => {
        saved = JSON.parse(JSON.stringify(checkpoint));
        throw stop;
      },
    };
    try {
      return { ...search(new CheckScenario(fs, profile, check), { ...LIMITS, checkpoints }), times };
    } catch (error) {
      if (error !== stop) throw error;
      from = saved;
    }
  }
}

describe.each(['v5.14', 'v5.15'])('a search as %s that was killed and goes on', (profile) => {
  test.each([1_000, 777])('every %i executions finds what it would have found', (every) => {
    const once = search(new CheckScenario(ext4, profile, CHECK), LIMITS);
    const { times, ...result } = interrupted(ext4, CHECK, profile, every);
    expect(result).toEqual(once);
    if (once.verdict !== 'fail') expect(times).toBeGreaterThan(2);
  });
});

test('the lock orders that were seen before a checkpoint are known after it', () => {
  let first: SearchCheckpoint | null = null;
  const save = (checkpoint: SearchCheckpoint): void => {
    first = JSON.parse(JSON.stringify(checkpoint));
  };
  const checkpoints = { from: null, due: () => first === null, save };
  search(new CheckScenario(ext4, 'v5.15', CHECK), { ...LIMITS, checkpoints });
  const { memory } = first as unknown as SearchCheckpoint;
  const scenario = new CheckScenario(ext4, 'v5.15', CHECK);
  expect(scenario.memory()).toEqual([]);
  scenario.recall(memory);
  expect(scenario.memory()).toEqual(memory);
  const classes = (memory as LockGraphSnapshot).map(({ lockClass }) => lockClass);
  expect(classes).toEqual(expect.arrayContaining(['ext4 inode.i_rwsem', 'ext4 mapping.invalidate_lock']));
});

describe('a search in a file', () => {
  let folder: string;
  let path: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fsport-kept-'));
    path = join(folder, 'below', 'check.json');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = (every: number): SearchResult => {
    const checkpoints = new KeptSearch({ path, every });
    return search(new CheckScenario(ext4, 'v5.15', CHECK), { ...LIMITS, checkpoints });
  };

  test('is not there if it did not take long; is used if it did', () => {
    const once = run(60_000);
    expect(existsSync(path)).toBe(false);
    run(0);
    const content = JSON.parse(readFileSync(path, 'utf8'));
    expect(run(60_000)).toEqual(once);
    // It goes on from there and nowhere else: a file that says something else gives another result.
    content.search.phase.executions += 1_000;
    content.seconds = 100;
    writeFileSync(path, JSON.stringify(content));
    expect(run(60_000).executions).toBe(once.executions + 1_000);
    expect(new KeptSearch({ path, every: 0 }).secondsBefore).toBe(100);
  });

  test('that cannot be read is begun anew', () => {
    rmSync(path, { force: true });
    const once = run(60_000);
    writeFileSync(path, '{"search":');
    expect(run(60_000)).toEqual(once);
  });
});
