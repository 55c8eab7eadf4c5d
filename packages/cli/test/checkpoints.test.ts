// Shows that a long check goes on from its last checkpoint to the result that it would have had: the same counts, the
// same failure, the same findings about all executions together. Everything goes through JSON and a new scenario.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKS, type Check, CheckScenario } from '@fsport/conformance';
import type { FileSystemType, LockGraphSnapshot } from '@fsport/core';
import {
  type Checkpoints,
  conclude,
  Division,
  exploreLeg,
  type LegEnd,
  type Outcome,
  type SearchCheckpoint,
  type SearchOptions,
  type SearchResult,
  search,
} from '@fsport/explore';
import ext4 from '@fsport/fs-ext4';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { KeptSearch } from '#src/kept-search.js';

/** More than 4,000 executions of three tasks as v5.15. */
const CHECK = CHECKS.find(({ id }) => id === 'triple/store-flush-punch') as Check;
/** More than fit into one leg. */
const LIMITS: SearchOptions = { strategy: 'auto', maxExecutions: 4_000, leg: 1_500 };

/** Search, with checkpoints of each leg. */
function kept(
  fs: FileSystemType,
  check: Check,
  profile: string,
  of: (leg: string) => Checkpoints,
  ends = new Map<string, LegEnd>(),
): SearchResult {
  const division = new Division(LIMITS.maxExecutions as number);
  for (let task = division.next(); task !== null; task = division.next()) {
    const { name, leg } = task;
    const end = ends.get(name) ?? exploreLeg(new CheckScenario(fs, profile, check), LIMITS, leg, of(name));
    ends.set(name, JSON.parse(JSON.stringify(end)));
    division.ended(name, ends.get(name) as LegEnd);
  }
  return conclude(new CheckScenario(fs, profile, check), LIMITS, division.outcome as Outcome);
}

/** Search in a new process every so many executions. */
function interrupted(
  fs: FileSystemType,
  check: Check,
  profile: string,
  every: number,
): SearchResult & { times: number } {
  const saved = new Map<string, SearchCheckpoint>();
  const ends = new Map<string, LegEnd>();
  const stop = new Error('killed');
  for (let times = 0; ; times++) {
    let since = 0;
    const of = (leg: string): Checkpoints => ({
      from: saved.get(leg) ?? null,
      due: () => ++since === every,
      save: (checkpoint: SearchCheckpoint) => {
        saved.set(leg, JSON.parse(JSON.stringify(checkpoint)));
        throw stop;
      },
    });
    try {
      return { ...kept(fs, check, profile, of, ends), times };
    } catch (error) {
      if (error !== stop) throw error;
    }
  }
}

describe.each(['v5.14', 'v5.15'])('a search as %s that was killed and goes on', (profile) => {
  test.each([300, 177])('every %i executions finds what it would have found', (every) => {
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
  kept(ext4, CHECK, 'v5.15', () => ({ from: null, due: () => first === null, save }));
  const { memory } = first as unknown as SearchCheckpoint;
  const scenario = new CheckScenario(ext4, 'v5.15', CHECK);
  expect(scenario.memory()).toEqual([]);
  scenario.recall([{ content: memory, objectId: (id) => id }]);
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
    return kept(ext4, CHECK, 'v5.15', (leg) => new KeptSearch({ path: `${path}${leg}`, every }));
  };

  test('is not there if it did not take long; is used if it did', () => {
    const once = run(60_000);
    expect(existsSync(`${path}1`)).toBe(false);
    run(0);
    const content = JSON.parse(readFileSync(`${path}1`, 'utf8'));
    expect(run(60_000)).toEqual(once);
    // It goes on from there and nowhere else: a file that says something else gives another result.
    content.search.phase.executions += 1_000;
    content.seconds = 100;
    writeFileSync(`${path}1`, JSON.stringify(content));
    expect(run(60_000).executions).toBe(once.executions + 1_000);
    expect(new KeptSearch({ path: `${path}1`, every: 0 }).secondsBefore).toBe(100);
  });

  test('that cannot be read is begun anew', () => {
    rmSync(`${path}1`, { force: true });
    const once = run(60_000);
    writeFileSync(`${path}1`, '{"search":');
    expect(run(60_000)).toEqual(once);
  });
});
