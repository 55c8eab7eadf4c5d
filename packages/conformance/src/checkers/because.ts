/**
 * Why a byte is where it is: who wrote it, which block it was read from, and what became of that block.
 *
 * Only made for schedules that have failed, from their event log.
 */
import {
  type Cell,
  type Execution,
  machine,
  type Page,
  STRANGER,
  type Step,
  type SuperBlock,
} from '@fsport/core';

/** Where the bytes of a page block came from, sentence by sentence. */
export function becauseOfBlock(execution: Execution, sb: SuperBlock, page: Page, block: number): string[] {
  const cells = page.content[block]?.peek() ?? [];
  const first = cells.find((cell) => (cell & 0xff) !== 0) ?? cells[0] ?? 0;
  const source = page.source[block] ?? null;
  const lines = [becauseOfByte(first)];
  if (source === null) return lines;
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

/** What happened to a disk block in this execution, in order. */
function blockHistory(execution: Execution, sb: SuperBlock, phys: number): string[] {
  const { events, tasks } = execution;
  const variable = sb.sBdev.blocks.at(phys);
  const lines: string[] = [];
  for (let event = 0; event < events.count; event++) {
    const { object, verb } = events.step[event] as Step<unknown>;
    if (object !== variable) continue;
    const title = tasks[events.task[event] as number]?.title ?? '';
    lines.push(`${title} ${verb}() in step ${event + 1}`);
  }
  return lines.length === 0 ? [] : [`disk block ${phys}: ${lines.join(', ')}`];
}
