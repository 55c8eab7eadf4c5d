/**
 * Judgements that must be made in the very step that makes them possible: a block arrives in a page, a write
 * is submitted or done, a block is freed. What they look at is what that step accesses.
 *
 * Rules S-1, S-2 where the disk changes behind a page, W-1, W-3, W-4, L-1, P-2 and the second half of P-4.
 */
import { type AddressSpace, blocksPerPage, current, type Observer, type Page } from '@fsport/core';
import type { Violation } from '@fsport/explore';
import type { CheckerName } from '../types.js';
import { becauseOfBlock, becauseOfDisk, becauseOfPlace, becauseOfStore, becauseOfTurns } from './because.js';
import type { Scene } from './finding.js';

/** `1, 2 and 3`. */
function listed(numbers: readonly number[]): string {
  return numbers.join(', ').replace(/, (\d+)$/, ' and $1');
}

/** The block of a page that came from a disk block. */
function blockFrom({ source }: Page, phys: number): number {
  return Math.max(
    source.findIndex((from) => from?.phys === phys),
    0,
  );
}

/** Collects what is wrong with one execution while it runs. */
export class Moments implements Observer {
  /** Found so far. */
  readonly found: Violation[] = [];
  /** Where the calls are that are made. */
  world: Scene['world'] = { calls: [] };
  readonly #enabled: ReadonlySet<CheckerName>;
  readonly #others: number;
  /** Steps after which the loop in progress has started over; one task at a time is in such a loop. */
  readonly #restarts: number[] = [];

  /**
   * @param enabled - Properties to judge.
   * @param tasks - Number of tasks that make calls.
   */
  constructor(enabled: ReadonlySet<CheckerName>, tasks: number) {
    this.#enabled = enabled;
    this.#others = tasks - 1;
  }

  blockRead(...[page, event]: Parameters<NonNullable<Observer['blockRead']>>): void {
    if (event.owned) return;
    const host = page.mapping.peek()?.host;
    const iblock = page.index * blocksPerPage() + blockFrom(page, event.phys);
    this.#add(
      'stale-data',
      'S-1',
      `page ${page.index} of inode ${event.ino} is being filled with what the file does not hold any more`,
      [
        event.reason,
        ...becauseOfDisk(this.#scene, event.phys),
        ...(host === undefined ? [] : becauseOfPlace(this.#scene, host, iblock)),
      ],
    );
  }

  blockWriteSubmitted(...[event]: Parameters<NonNullable<Observer['blockWriteSubmitted']>>): void {
    if (event.owned) return;
    this.#add('corruption', 'W-1', `inode ${event.ino} writes to a block that is not its own`, [
      event.reason,
      ...becauseOfDisk(this.#scene, event.phys),
    ]);
  }

  blockWritten(...[event]: Parameters<NonNullable<Observer['blockWritten']>>): void {
    if (event.owned) return;
    const text = `a write of inode ${event.ino} changed disk block ${event.phys} of somebody else`;
    this.#add('corruption', 'W-4', text, becauseOfDisk(this.#scene, event.phys));
  }

  blockFreed(...[event]: Parameters<NonNullable<Observer['blockFreed']>>): void {
    const { ino, phys, writes, mapped, pins } = event;
    if (writes === 0 && mapped === 0 && pins === 0) return;
    const block = `disk block ${phys} of inode ${ino} is freed while`;
    const because = becauseOfDisk(this.#scene, phys);
    if (writes > 0) this.#add('corruption', 'W-3', `${block} a write to it is in flight`, because);
    if (mapped > 0) this.#add('stale-pte', 'P-2', `${block} page-table entries point to it`, because);
    if (pins > 0) this.#add('stale-pte', 'P-2', `${block} a device uses it as memory`, because);
  }

  changedBehindPage(...[page, event]: Parameters<NonNullable<Observer['changedBehindPage']>>): void {
    const text = `page ${page.index} of inode ${event.ino} is cached and valid while disk block ${event.phys} changes behind it`;
    const { host } = page.mapping.peek() as AddressSpace;
    this.#add(
      'stale-data',
      'S-2',
      text,
      becauseOfBlock(this.#scene, host, page, blockFrom(page, event.phys)),
    );
  }

  dirtyPteLost(...[page]: Parameters<NonNullable<Observer['dirtyPteLost']>>): void {
    this.#add(
      'stale-pte',
      'P-4',
      `a store through a mapping of page ${page.index} was forgotten with its page-table entry`,
      [becauseOfStore(this.#scene, `PG_dirty of page ${page.index}`, page.dirty.id)],
    );
  }

  startsOver(...[{ loop, times }]: Parameters<NonNullable<Observer['startsOver']>>): void {
    if (times === 1) this.#restarts.length = 0;
    this.#restarts.push(current.events.count);
    if (times <= this.#others) return;
    const text = `${loop}() starts over once more than there are other tasks: a call that began later made it, and the next one can do so again, for ever`;
    const most = this.#others === 1 ? 'the other task' : `each of the ${this.#others} other tasks`;
    this.#add('livelock', 'L-1', text, [
      `it starts over after steps ${listed(this.#restarts)}; ${most} had at most one call under way when it began`,
      ...becauseOfTurns(this.#scene),
    ]);
  }

  get #scene(): Scene {
    return { execution: current, world: this.world };
  }

  #add(property: CheckerName, rule: string, message: string, because: readonly string[]): void {
    if (!this.#enabled.has(property)) return;
    this.found.push({ property, rule, message, because, at: current.events.count - 1 });
  }
}
