/**
 * What can be left out of a check to make a failure simpler: an operation of a task (`r2`, the second one of `r`), one of
 * the set-up (`setup1`), a kind of fault (`readIo`), and the end of a file (`page2`: from its second page on; `file2.page2`
 * of the second file). Names are those of the whole check, whatever else is left out.
 */
import type { FileSpec } from '@fsport/core';
import type { Check, Geometry } from './types.js';

/**
 * What else can be left out of a check of which something is. Nothing that would leave a task without operations, or that the check
 * is about.
 */
export function cutsOf(check: Check, cuts: readonly string[]): readonly string[] {
  const named = (name: (n: number) => string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => name(i + 1)).filter((cut) => !cuts.includes(cut));
  const ops = check.tasks.flatMap(({ letter, ops }) => {
    const left = named((n) => `${letter}${n}`, ops.length);
    return left.length > 1 ? left : [];
  });
  const setUp = named((n) => `setup${n}`, check.setUp.length);
  const faults = Object.keys(check.faults).filter((fault) => !cuts.includes(fault));
  const pages = cutCheck(check, cuts).files.flatMap(({ size }, file) => {
    const count = Math.ceil(size / check.geometry.pageSize);
    return named((n) => pageName(file, n), count).slice(1);
  });
  return [...ops.reverse(), ...setUp.reverse(), ...faults, ...pages].filter(
    (cut) => check.keep?.includes(cut) !== true,
  );
}

/** A check without what is left out. */
export function cutCheck(check: Check, cuts: readonly string[]): Check {
  if (cuts.length === 0) return check;
  const kept = (name: string): boolean => !cuts.includes(name);
  return {
    ...check,
    tasks: check.tasks.map((task) => {
      return { ...task, ops: task.ops.filter((_, i) => kept(`${task.letter}${i + 1}`)) };
    }),
    setUp: check.setUp.filter((_, i) => kept(`setup${i + 1}`)),
    faults: Object.fromEntries(Object.entries(check.faults).filter(([fault]) => kept(fault))),
    files: check.files.map((file, i) => shorter(file, pagesOf(i, cuts), check.geometry)),
  };
}

function pageName(file: number, page: number): string {
  return file === 0 ? `page${page}` : `file${file + 1}.page${page}`;
}

/** Number of pages that are left of a file. */
function pagesOf(file: number, cuts: readonly string[]): number {
  const prefix = pageName(file, 0).slice(0, -1);
  const pages = cuts
    .filter((cut) => cut.startsWith(prefix))
    .map((cut) => Number(cut.slice(prefix.length)) - 1);
  return Math.min(Number.POSITIVE_INFINITY, ...pages);
}

function shorter(file: FileSpec, pages: number, { pageSize, blockSize }: Geometry): FileSpec {
  if (file.size <= pages * pageSize) return file;
  const size = pages * pageSize;
  return { ...file, size, blocks: file.blocks.slice(0, Math.ceil(size / blockSize)) };
}
