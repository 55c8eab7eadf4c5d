/**
 * Why a byte is where it is: who wrote it, which block it was read from, and what became of that block, of the entry of the
 * block map that says where it is, and of the page that shows it.
 *
 * Only made for schedules that have failed, from their event log.
 */
import {
  blocksPerPage,
  byteOf,
  type Cell,
  type Execution,
  type Inode,
  LOCAL,
  machine,
  PAGE_SIZE,
  type Page,
  READ,
  type SharedObject,
  STRANGER,
  type Step,
  type TaskStruct,
  WRITE,
} from '@fsport/core';
import type { FinalState } from './finding.js';

/** Something that an event did to an object. */
interface Touch {
  readonly event: number;
  readonly access: number;
  /** Index of the task. */
  readonly task: number;
  /** For a WRITE, the value that it replaced. */
  readonly replaced: unknown;
}

/** What was done to an object, in order; a request for it is announced and changes nothing. */
function touches({ events }: Execution, id: number): Touch[] {
  const found: Touch[] = [];
  for (let event = 0; event < events.count; event++) {
    const task = events.task[event] as number;
    const at = events.object.slice(0, events.first[event + 1]).indexOf(id, events.first[event]);
    if (at >= 0)
      found.push({ event, access: events.access[at] as number, task, replaced: events.replaced[at] });
    else if ((events.step[event] as Step<unknown>).object?.id === id)
      found.push({ event, access: LOCAL, task, replaced: undefined });
  }
  return found;
}

/** Who did something, and where: `pread(2) submit_bio() in step 8`. */
function by({ events, tasks }: Execution, event: number): string {
  const { verb } = events.step[event] as Step<unknown>;
  const { title } = tasks[events.task[event] as number] as TaskStruct;
  return `${title} ${verb}() in step ${event + 1}`;
}

/** A line about what was done to an object; none if that was nothing. */
function history(what: string, doings: readonly string[]): string[] {
  return doings.length === 0 ? [] : [`${what}: ${doings.join(', ')}`];
}

function readAndStored(execution: Execution, done: readonly Touch[]): readonly string[] {
  return done.map(
    ({ event, access }) => `${access === WRITE ? 'stored' : 'read'} by ${by(execution, event)}`,
  );
}

/** Where the bytes of a page block came from, sentence by sentence. */
export function becauseOfBlock(execution: Execution, inode: Inode, page: Page, block: number): string[] {
  const cells = page.content[block]?.peek() ?? [];
  const first = cells.find((cell) => byteOf(cell) !== 0) ?? cells[0] ?? 0;
  return [
    becauseOfByte(first),
    ...becauseOfSource(execution, page, block),
    ...becauseOfPlace(execution, inode, page.index * blocksPerPage() + block),
  ];
}

/** Where one byte came from. */
export function becauseOfByte(cell: Cell): string {
  return `the bytes are ${machine.origins.of(cell).text}`;
}

/** How a page block got its bytes. */
function becauseOfSource(execution: Execution, page: Page, block: number): string[] {
  const { index, uptodate, source } = page;
  const from = source[block] ?? null;
  if (from === null) return [becauseOfStore(execution, `PG_uptodate of page ${index}`, uptodate.id)];
  return [`page ${index} got them from disk block ${from.phys}`, ...becauseOfDisk(execution, from.phys)];
}

/**
 * Where a byte of a file came from that a probe found.
 *
 * @param fs - Tells where a block is that no page shows.
 * @param cached - Pages that were cached before anybody probed.
 * @param at - Its position.
 */
export function becauseOfProbed(
  { execution, fs }: Pick<FinalState, 'execution' | 'fs'>,
  inode: Inode,
  cached: readonly Page[],
  at: number,
  cell: Cell,
): string[] {
  const iblock = Math.floor(at / machine.blockSize);
  const page = cached.find(({ index }) => index === Math.floor(at / PAGE_SIZE));
  const block = iblock % blocksPerPage();
  const { phys } = fs.bmap(inode, iblock);
  const shown = page?.content[block]?.peek().includes(cell) === true;
  return [
    becauseOfByte(cell),
    ...(shown ? becauseOfSource(execution, page as Page, block) : becauseOfDisk(execution, phys)),
    ...becauseOfPlace(execution, inode, iblock),
  ];
}

/** What happened to a disk block, in order. */
export function becauseOfDisk(execution: Execution, phys: number): string[] {
  if (phys < 0) return [];
  return machine.disks.flatMap(({ blocks }) => {
    const block = blocks.at(phys);
    const doings = touches(execution, block.id).map(({ event }) => by(execution, event));
    const stranger =
      block.peek().owner === STRANGER ? [`disk block ${phys} belongs to another file by now`] : [];
    return [...history(`disk block ${phys}`, doings), ...stranger];
  });
}

/** What happened to the entry of the block map and to the slot of the page cache that a block of a file has. */
export function becauseOfPlace(execution: Execution, inode: Inode, iblock: number): string[] {
  return [
    ...mapEntries(execution, inode, iblock).flatMap(({ name, id }) =>
      history(`block map ${name}`, readAndStored(execution, touches(execution, id))),
    ),
    ...becauseOfSlot(execution, inode, Math.floor(iblock / blocksPerPage())),
  ];
}

/** Who put a page in the cache or removed it; and if it was put there last, when others had looked for it before. */
function becauseOfSlot(execution: Execution, { iMapping }: Inode, index: number): string[] {
  const slot = touches(execution, iMapping.iPages.at(index).id);
  const stores = slot.filter(({ access }) => access === WRITE);
  const last = stores.at(-1);
  const looks = new Map<number, Touch>();
  if (last?.replaced === null) {
    // Who sees from their number that there are no pages looks for each of them.
    for (const touch of [...slot, ...touches(execution, iMapping.nrpages.id)].sort(
      (a, b) => a.event - b.event,
    ))
      if (touch.access === READ && touch.task !== last.task && touch.event < last.event)
        looks.set(touch.task, touch);
  }
  const doings = [...looks.values(), ...stores].sort((a, b) => a.event - b.event);
  return history(
    `page ${index} in the page cache`,
    doings.map(({ event, access }) => `${access === READ ? 'looked for by ' : ''}${by(execution, event)}`),
  );
}

/** The block map of a file is an array with an entry for each block, and has the number of the inode: `i_data[12][1]`. */
function mapEntries({ events }: Execution, { iIno }: Inode, iblock: number): readonly SharedObject[] {
  const entries = new Map<number, SharedObject>();
  for (let event = 0; event < events.count; event++) {
    const { object } = events.step[event] as Step<unknown>;
    if (object?.key === iblock && object.label.endsWith(`[${iIno}]`)) entries.set(object.id, object);
  }
  return [...entries.values()];
}

/**
 * What was done to an entry of a page table: who stored to it, and what others saw in it.
 *
 * @param pte - The entry.
 */
export function becauseOfPte(execution: Execution, pte: SharedObject): string[] {
  const done = touches(execution, pte.id);
  const last = done.findLast(({ access }) => access === WRITE);
  const telling = done.filter(({ access, task }) => access === WRITE || task !== last?.task);
  return history(pte.name, readAndStored(execution, telling));
}

/**
 * Who stored the value that something has.
 *
 * @param what - Its name for people.
 * @param id - Its object id.
 */
export function becauseOfStore(execution: Execution, what: string, id: number): string {
  const last = touches(execution, id).findLast(({ access }) => access === WRITE);
  return last === undefined
    ? `no call has stored ${what}`
    : `${what} was last stored by ${by(execution, last.event)}`;
}

/** Slots of the page cache that several tasks stored to in turn: what one of them removed and another one put back. */
export function becauseOfTurns(execution: Execution): string[] {
  const { events } = execution;
  const slots = new Map<number, SharedObject>();
  for (let event = 0; event < events.count; event++) {
    const { object } = events.step[event] as Step<unknown>;
    if (object?.label === 'i_pages') slots.set(object.id, object);
  }
  return [...slots.values()].flatMap(({ id, key }) => {
    const stored = touches(execution, id).filter(({ access }) => access === WRITE);
    if (new Set(stored.map(({ task }) => task)).size < 2) return [];
    return history(
      `page ${key} in the page cache`,
      stored.map(({ event }) => by(execution, event)),
    );
  });
}
