// The punch race for the scheduler of fast-check: one scheduled promise for each step.

import fc, { type Scheduler } from 'fast-check';
import type { Row, Size } from '../row.js';

interface Page {
  locked: boolean;
  state: number;
}

const SECRET = 2;

/** Run the race once. Returns whether nobody read the secret. */
async function race(scheduler: Scheduler, { pages, readers, fixed }: Size): Promise<boolean> {
  const indices = Array.from({ length: pages }, (_, i) => i);
  const cache: (Page | null)[] = indices.map(() => null);
  const blocks: (number | null)[] = [...indices];
  const disk = indices.map(() => 1);
  let inodeLocked = false;
  let shared = 0;
  let exclusive = false;
  let leaked = false;
  let sleepers: (() => void)[] = [];

  const step = (label: string): Promise<void> => scheduler.schedule(Promise.resolve(), label);
  const wake = (): void => {
    for (const sleeper of sleepers.splice(0)) sleeper();
  };
  /** A step that can only be taken while a condition holds. */
  async function when(label: string, can: () => boolean, act: () => void): Promise<void> {
    for (;;) {
      while (!can()) await new Promise<void>((resolve) => sleepers.push(resolve));
      await step(label);
      if (can()) break;
    }
    act();
  }

  async function fill(page: Page, index: number): Promise<void> {
    await step('get_block');
    const block = blocks[index] ?? null;
    let data = 0;
    if (block !== null) {
      await step('submit_bio');
      data = disk[block] as number;
    }
    await step('SetPageUptodate');
    page.state = data + 1;
    await step('unlock_page');
    page.locked = false;
    wake();
  }

  async function getPage(index: number): Promise<Page> {
    for (;;) {
      await step('find_get_page');
      const found = cache[index] ?? null;
      if (found === null) {
        if (fixed)
          await when(
            'down_read',
            () => !exclusive,
            () => shared++,
          );
        await step('add_to_page_cache');
        const mine: Page | null = cache[index] === null ? { locked: true, state: 0 } : null;
        if (mine !== null) {
          cache[index] = mine;
          await fill(mine, index);
        }
        if (fixed) {
          await step('up_read');
          shared--;
          wake();
        }
        if (mine !== null) return mine;
      } else {
        await step('PageUptodate');
        if (found.state !== 0) return found;
        await when(
          'wait_on_page_locked',
          () => !found.locked,
          () => {},
        );
      }
    }
  }

  async function copy(index: number): Promise<void> {
    const page = await getPage(index);
    await step('copy_page_to_iter');
    if (page.state - 1 === SECRET) leaked = true;
  }

  async function read(): Promise<void> {
    for (const index of indices) await copy(index);
  }

  async function punch(): Promise<void> {
    await when(
      'inode_lock',
      () => !inodeLocked,
      () => {
        inodeLocked = true;
      },
    );
    if (fixed) {
      await when(
        'down_write',
        () => !exclusive && shared === 0,
        () => {
          exclusive = true;
        },
      );
    }
    for (const index of indices) {
      await step('find_get_page');
      const page = cache[index] ?? null;
      if (page === null) continue;
      await when(
        'lock_page',
        () => !page.locked,
        () => {
          page.locked = true;
        },
      );
      await step('delete_from_page_cache');
      cache[index] = null;
      await step('unlock_page');
      page.locked = false;
      wake();
    }
    for (const index of indices) {
      await step('unmap');
      blocks[index] = null;
      await step('free_block');
      await step('reuse');
      disk[index] = SECRET;
    }
    if (fixed) {
      await step('up_write');
      exclusive = false;
      wake();
    }
    await step('inode_unlock');
    inodeLocked = false;
    wake();
  }

  const tasks = [punch(), copy(1), ...Array.from({ length: readers }, read)];
  await scheduler.waitFor(Promise.all(tasks));
  sleepers = [];
  return !leaked;
}

/** Sample: a number of runs, or until the first failure. */
export async function fastCheckRow(name: string, size: Size, numRuns: number): Promise<Row> {
  const property = fc.asyncProperty(fc.scheduler(), (scheduler) => race(scheduler, size));
  const begin = process.cpuUsage();
  const details = await fc.check(property, { seed: 1, numRuns });
  const { user, system } = process.cpuUsage(begin);
  const cpuSeconds = (user + system) / 1e6;
  if (details.failed === size.fixed) throw new Error(`fast-check disagrees about ${JSON.stringify(size)}`);
  return {
    ...{ name, ...size, traces: null, executions: details.numRuns, blocked: 0, cpuSeconds },
    executionsPerSecond: Math.round(details.numRuns / cpuSeconds),
    ...{ stepsPerSecond: null, bareStepsPerSecond: null },
  };
}
