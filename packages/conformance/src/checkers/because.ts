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
  takesLock,
  UNLOCK,
  UP_READ,
  UP_WRITE,
  WRITE,
} from '@fsport/core';
import { opTitle } from '../titles.js';
import type { FinalState, Scene } from './finding.js';

/** Something that an event did to an object. */
interface Touch {
  readonly event: number;
  readonly access: number;
  /** Index of the task. */
  readonly task: number;
  /** Is it the object that the event is about? Others join it. */
  readonly announced: boolean;
  /** For a WRITE, the value that it replaced. */
  readonly replaced: unknown;
}

/** What was done to an object, in order; a request for it is announced and changes nothing. */
function touches({ execution: { events } }: Scene, id: number): Touch[] {
  const found: Touch[] = [];
  for (let event = 0; event < events.count; event++) {
    const task = events.task[event] as number;
    const announced = (events.step[event] as Step<unknown>).object?.id === id;
    const before = found.length;
    for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
      const access = events.access[at] as number;
      if (events.object[at] !== id) continue;
      found.push({ event, access, task, announced, replaced: events.replaced[at] });
    }
    if (announced && found.length === before)
      found.push({ event, access: LOCAL, task, announced, replaced: undefined });
  }
  return found;
}

/** The call that a task made, or else what the task is. */
function titleOf({ execution: { events, tasks }, world }: Scene, event: number): string {
  const task = events.task[event] as number;
  const call = world.calls.find(
    ({ task: caller, after, last }) => caller === task && after <= event && (last < 0 || event <= last),
  );
  return call === undefined ? (tasks[task] as TaskStruct).title : opTitle(call.op);
}

/** Who did something, and where: `pread(2) submit_bio() in step 8`. */
function by(scene: Scene, { event, access, announced }: Touch): string {
  const step = scene.execution.events.step[event] as Step<unknown>;
  // What is done under a lock, or stored where something else was looked at, comes after that step.
  const ofLock = takesLock(step.access) || RELEASE.includes(step.access);
  const later = !announced && (step.access === READ ? access === WRITE : ofLock);
  return `${titleOf(scene, event)} ${later ? 'after ' : ''}${step.verb}() in step ${event + 1}`;
}

/** Steps that release a lock. */
const RELEASE: readonly number[] = [UNLOCK, UP_READ, UP_WRITE];

/** A line about what was done to an object; none if that was nothing. */
function history(what: string, doings: readonly string[]): string[] {
  return doings.length === 0 ? [] : [`${what}: ${doings.join(', ')}`];
}

/** Who read it and who stored to it; of what a task did in a row, stores and what came last. */
function readAndStored(scene: Scene, done: readonly Touch[]): readonly string[] {
  const telling = done.filter(({ access, task }, i) => access === WRITE || done[i + 1]?.task !== task);
  return telling.map((touch) => `${touch.access === WRITE ? 'stored' : 'read'} by ${by(scene, touch)}`);
}

/** Where the bytes of a page block came from, sentence by sentence. */
export function becauseOfBlock(scene: Scene, inode: Inode, page: Page, block: number): string[] {
  const cells = page.content[block]?.peek() ?? [];
  const first = cells.find((cell) => byteOf(cell) !== 0) ?? cells[0] ?? 0;
  return [
    becauseOfByte(first),
    ...becauseOfSource(scene, inode, page, block),
    ...becauseOfPlace(scene, inode, page.index * blocksPerPage() + block),
  ];
}

/** Where one byte came from. */
export function becauseOfByte(cell: Cell): string {
  return `the bytes are ${machine.origins.of(cell).text}`;
}

/** How a page block got its bytes; where no block was read, the end of the file may have been in the way. */
function becauseOfSource(scene: Scene, { iSize }: Inode, page: Page, block: number): string[] {
  const { index, uptodate, source } = page;
  const from = source[block] ?? null;
  if (from === null)
    return [
      becauseOfStore(scene, `PG_uptodate of page ${index}`, uptodate.id),
      ...becauseOfStores(scene, 'i_size', iSize.id),
    ];
  return [`page ${index} got them from disk block ${from.phys}`, ...becauseOfDisk(scene, from.phys)];
}

/**
 * Where a byte of a file came from that a probe found.
 *
 * @param fs - Tells where a block is that no page shows.
 * @param cached - Pages that were cached before anybody probed.
 * @param at - Its position.
 */
export function becauseOfProbed(
  state: FinalState,
  inode: Inode,
  cached: readonly Page[],
  at: number,
  cell: Cell,
): string[] {
  const iblock = Math.floor(at / machine.blockSize);
  const page = cached.find(({ index }) => index === Math.floor(at / PAGE_SIZE));
  const block = iblock % blocksPerPage();
  const { phys } = state.fs.bmap(inode, iblock);
  const shown = page?.content[block]?.peek().includes(cell) === true;
  return [
    becauseOfByte(cell),
    ...(shown ? becauseOfSource(state, inode, page as Page, block) : becauseOfDisk(state, phys)),
    ...becauseOfPlace(state, inode, iblock),
  ];
}

/** What happened to a disk block, in order. */
export function becauseOfDisk(scene: Scene, phys: number): string[] {
  if (phys < 0) return [];
  return machine.disks.flatMap(({ blocks }) => {
    const block = blocks.at(phys);
    const doings = touches(scene, block.id).map((touch) => by(scene, touch));
    const stranger =
      block.peek().owner === STRANGER ? [`disk block ${phys} belongs to another file by now`] : [];
    return [...history(`disk block ${phys}`, doings), ...stranger];
  });
}

/** What happened to the entry of the block map and to the slot of the page cache that a block of a file has. */
export function becauseOfPlace(scene: Scene, inode: Inode, iblock: number): string[] {
  return [
    ...mapEntries(scene, inode, iblock).flatMap(({ name, id }) =>
      history(`block map ${name}`, readAndStored(scene, touches(scene, id))),
    ),
    ...becauseOfSlot(scene, inode, Math.floor(iblock / blocksPerPage())),
  ];
}

/** Who put a page in the cache or removed it; and if it was put there last, when others had looked for it before. */
function becauseOfSlot(scene: Scene, { iMapping }: Inode, index: number): string[] {
  const slot = touches(scene, iMapping.iPages.at(index).id);
  const stores = slot.filter(({ access }) => access === WRITE);
  const last = stores.at(-1);
  const looks = new Map<number, Touch>();
  if (last?.replaced === null) {
    // Who sees from their number that there are no pages looks for each of them.
    for (const touch of [...slot, ...touches(scene, iMapping.nrpages.id)].sort((a, b) => a.event - b.event))
      if (touch.access === READ && touch.task !== last.task && touch.event < last.event)
        looks.set(touch.task, touch);
  }
  const doings = [...looks.values(), ...stores].sort((a, b) => a.event - b.event);
  return history(
    `page ${index} in the page cache`,
    doings.map((touch) => `${touch.access === READ ? 'looked for by ' : ''}${by(scene, touch)}`),
  );
}

/** The objects of some kind that steps are about, in the order in which they come up. */
function objectsOf(
  { execution: { events } }: Scene,
  ofKind: (object: SharedObject) => boolean,
): readonly SharedObject[] {
  const objects = new Map<number, SharedObject>();
  for (let event = 0; event < events.count; event++) {
    const { object } = events.step[event] as Step<unknown>;
    if (object !== null && ofKind(object)) objects.set(object.id, object);
  }
  return [...objects.values()];
}

/** The block map of a file is an array with an entry for each block, and has the number of the inode: `i_data[12][1]`. */
function mapEntries(scene: Scene, { iIno }: Inode, iblock: number): readonly SharedObject[] {
  return objectsOf(scene, ({ key, label }) => key === iblock && label.endsWith(`[${iIno}]`));
}

/**
 * What was done to an entry of a page table: who stored to it, and what others saw in it.
 *
 * @param pte - The entry.
 */
export function becauseOfPte(scene: Scene, pte: SharedObject): string[] {
  const done = touches(scene, pte.id);
  const last = done.findLast(({ access }) => access === WRITE);
  const telling = done.filter(({ access, task }) => access === WRITE || task !== last?.task);
  return history(pte.name, readAndStored(scene, telling));
}

/**
 * Who stored the value that something has.
 *
 * @param what - Its name for people.
 * @param id - Its object id.
 */
export function becauseOfStore(scene: Scene, what: string, id: number): string {
  const last = touches(scene, id).findLast(({ access }) => access === WRITE);
  return last === undefined ? `no call has stored ${what}` : `${what} was last stored by ${by(scene, last)}`;
}

/** All who stored to something, in order. */
export function becauseOfStores(scene: Scene, what: string, id: number): string[] {
  const stores = touches(scene, id).filter(({ access }) => access === WRITE);
  return history(what, readAndStored(scene, stores));
}

/** Who took a lock last; nobody if it came into being held. */
export function becauseOfTaken(scene: Scene, lock: SharedObject): string[] {
  const last = touches(scene, lock.id).findLast(({ access }) => takesLock(access));
  return last === undefined ? [] : [`${lock.name} was last taken by ${by(scene, last)}`];
}

/** Slots of the page cache that several tasks stored to in turn: what one of them removed and another one put back. */
export function becauseOfTurns(scene: Scene): string[] {
  return objectsOf(scene, ({ label }) => label === 'i_pages').flatMap(({ id, key }) => {
    const stored = touches(scene, id).filter(({ access }) => access === WRITE);
    if (new Set(stored.map(({ task }) => task)).size < 2) return [];
    return history(
      `page ${key} in the page cache`,
      stored.map((touch) => by(scene, touch)),
    );
  });
}
