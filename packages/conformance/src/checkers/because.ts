/**
 * Why a byte is where it is: who wrote it, which block it was read from, and what became of that block.
 *
 * Only made for schedules that have failed, from their event log.
 */
import {
  type Cell,
  type Execution,
  type Inode,
  machine,
  PAGE_SIZE,
  type Page,
  STRANGER,
  type Step,
  type SuperBlock,
  WRITE,
} from '@fsport/core';

/** Where the bytes of a page block came from, sentence by sentence. */
export function becauseOfBlock(execution: Execution, sb: SuperBlock, page: Page, block: number): string[] {
  const cells = page.content[block]?.peek() ?? [];
  const first = cells.find((cell) => (cell & 0xff) !== 0) ?? cells[0] ?? 0;
  const source = page.source[block] ?? null;
  const lines = [becauseOfByte(first)];
  if (source === null)
    return [...lines, becauseOfStore(execution, `PG_uptodate of page ${page.index}`, page.uptodate.id)];
  lines.push(`page ${page.index} got it from disk block ${source.phys}`);
  const history = blockHistory(execution, sb, source.phys);
  lines.push(...history);
  const now = sb.sBdev.blocks.at(source.phys).peek();
  if (now.owner === STRANGER) lines.push(`disk block ${source.phys} belongs to another file by now`);
  return lines;
}

/** Where one byte came from. */
export function becauseOfByte(cell: Cell): string {
  return `the bytes are ${machine.origins.of(cell).text}`;
}

/**
 * Where a byte of a file came from, if it was in a page of the cache.
 *
 * @param cached - Pages that were cached before anybody probed.
 * @param at - Its position.
 */
export function becauseOfCached(
  execution: Execution,
  inode: Inode,
  cached: readonly Page[],
  at: number,
  cell: Cell,
): readonly string[] {
  const page = cached.find(({ index }) => index === Math.floor(at / PAGE_SIZE));
  const block = Math.floor((at % PAGE_SIZE) / machine.blockSize);
  if (page?.content[block]?.peek().includes(cell) !== true) return [becauseOfByte(cell)];
  return [becauseOfByte(cell), ...becauseOfBlock(execution, inode.iSb, page, block).slice(1)];
}

/**
 * Who stored the value that something has.
 *
 * @param what - Its name for people.
 * @param id - Its object id.
 */
export function becauseOfStore({ events, tasks }: Execution, what: string, id: number): string {
  for (let event = events.count - 1; event >= 0; event--) {
    for (let at = events.first[event] as number; at < (events.first[event + 1] as number); at++) {
      if (events.object[at] !== id || events.access[at] !== WRITE) continue;
      const { verb } = events.step[event] as Step<unknown>;
      return `${what} was last stored by ${tasks[events.task[event] as number]?.title ?? ''} ${verb}() in step ${event + 1}`;
    }
  }
  return `no call has stored ${what}`;
}

/** What happened to a disk block in this execution, in order. */
function blockHistory(execution: Execution, sb: SuperBlock, phys: number): string[] {
  const { events, tasks } = execution;
  const { id } = sb.sBdev.blocks.at(phys);
  const lines: string[] = [];
  for (let event = 0; event < events.count; event++) {
    const { object, verb } = events.step[event] as Step<unknown>;
    const touched = events.object.slice(events.first[event], events.first[event + 1]);
    if (object?.id !== id && !touched.includes(id)) continue;
    const title = tasks[events.task[event] as number]?.title ?? '';
    lines.push(`${title} ${verb}() in step ${event + 1}`);
  }
  return lines.length === 0 ? [] : [`disk block ${phys}: ${lines.join(', ')}`];
}
