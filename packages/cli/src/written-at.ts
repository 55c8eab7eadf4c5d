/**
 * Checks by where they are written: `packages/conformance/src/checks/named.ts:95`. The source is not understood, only looked
 * at: the line, then the block around it, and so on until one of them names checks, by an id, by the end of one that a
 * function completes, or by the pattern of ids that a function makes.
 */
import { readFileSync } from 'node:fs';
import { CHECKS, type Check, selectChecks } from '@fsport/conformance';
import { UsageError } from '@fsport/core';

const PLACE = /^(.+\.[cm]?[jt]s):(\d+)$/;

/** Lines `from` to `to`, both inclusive. */
interface Block {
  readonly from: number;
  readonly to: number;
}

function bad(place: string, what: string): UsageError {
  const advice =
    'Name a file of packages/conformance/src/checks and a line of a check, or the check by its id';
  return new UsageError('UNKNOWN_CHECK', { check: place }, `${place}: ${what}. ${advice}.`);
}

/**
 * The checks that are written at a place.
 *
 * @param place - `<file>:<line>`.
 * @returns `null` if it is something else, such as an id.
 * @throws UsageError `UNKNOWN_CHECK` if the file cannot be read, or no check is written there.
 */
export function checksWrittenAt(place: string): readonly Check[] | null {
  const [, path, number] = PLACE.exec(place) ?? [];
  if (path === undefined) return null;
  let lines: readonly string[];
  try {
    lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  } catch (error) {
    throw bad(place, `the file cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
  const at = Number(number) - 1;
  if (lines[at] === undefined) throw bad(place, `the file has ${lines.length} lines`);
  for (let block: Block | null = blockFrom(lines, at); block !== null; block = around(lines, block)) {
    const found = new Set(lines.slice(block.from, block.to + 1).flatMap(namedIn));
    if (found.size > 0) return [...found];
  }
  throw bad(place, 'no check is written there');
}

/** How far in a line is; one that is empty is further in than any. */
function indent(line: string): number {
  const at = line.search(/\S/);
  return at < 0 ? Number.POSITIVE_INFINITY : at;
}

/** Does a line open a list of checks? Not all that is in it names one. */
function isList(line: string): boolean {
  return indent(line) === 0 && line.endsWith('[');
}

/** A line and the block that it opens, if it does. */
function blockFrom(lines: readonly string[], from: number): Block {
  const line = lines[from] as string;
  const own = indent(line);
  const opens = /[[({]$/.test(line) && !isList(line);
  const end = lines.findIndex((one, index) => index > from && indent(one) <= own);
  return { from, to: opens && end >= 0 ? end : from };
}

/** The block around another, `null` if that is a list of checks or nothing. */
function around(lines: readonly string[], { from }: Block): Block | null {
  const own = indent(lines[from] as string);
  const opening = lines.findLastIndex((line, index) => index < from && indent(line) < own);
  if (opening < 0 || isList(lines[opening] as string)) return null;
  return blockFrom(lines, opening);
}

/** The checks that the texts of a line name. */
function namedIn(line: string): readonly Check[] {
  return [...line.matchAll(/'([^']+)'|`([^`]+)`/g)].flatMap(([, text, template]) => {
    const pattern = text ?? (template as string).replace(/\$\{[^}]*\}/g, '*');
    if (!pattern.includes('/')) return CHECKS.filter(({ id }) => id.endsWith(`/${pattern}`));
    try {
      return selectChecks(CHECKS, pattern);
    } catch {
      return [];
    }
  });
}
