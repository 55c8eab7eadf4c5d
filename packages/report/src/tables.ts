/** Verdicts in tables: fillers against invalidators, and scenarios against filesystems; releases side by side. */
import {
  type CellVerdict,
  type Check,
  type CheckResult,
  type PairTable,
  pairTable,
  type VerdictMatrix,
} from '@fsport/conformance';
import { markdownTable } from 'markdown-table';
import { columns, palette, type TextOptions, WIDTH } from './layout.js';

/** Columns that belong together: one for each profile. */
interface Group {
  readonly title: string;
  readonly profiles: readonly string[];
}

interface Grid {
  readonly rows: readonly string[];
  readonly groups: readonly Group[];
  cell(row: string, group: Group, profile: number): CellVerdict | null;
}

/** What the words in a cell mean. */
const LEGEND = columns([
  ['race', 'a checker for content, page tables or the ownership of blocks found something'],
  ['deadlock', 'tasks wait for each other, or locks are taken in an order that makes it possible'],
  ['starvation', 'a task never ends'],
  ['safe', 'every interleaving within the bounds was explored, and nothing found'],
  ['unknown', 'nothing found, but a budget ran out'],
  ['n/a', 'the filesystem refuses the operation or does not claim it'],
  ['-', 'not run'],
]);

function tone(verdict: string): 'green' | 'red' | 'magenta' | 'dim' {
  if (verdict === 'safe') return 'green';
  if (verdict === 'unknown') return 'magenta';
  return verdict === 'n/a' || verdict === '-' ? 'dim' : 'red';
}

/** One block of columns, without regard to its width. */
function blockText({ rows, cell }: Grid, groups: readonly Group[], options: TextOptions): string {
  const c = palette(options);
  const drawn = groups.map((group) => {
    const verdicts = rows.map((row) => group.profiles.map((_, profile) => cell(row, group, profile) ?? '-'));
    const widths = group.profiles.map((profile, i) =>
      Math.max(profile.length, ...verdicts.map((line) => (line[i] as string).length)),
    );
    const beside = (texts: readonly string[], paint: (text: string) => string): string =>
      texts.map((text, i) => paint(text) + ' '.repeat((widths[i] as number) - text.length)).join(' ');
    const head = beside(group.profiles, String);
    return {
      // A name that is wider than the verdicts below it is broken where it has a hyphen.
      title: group.title.length > head.length ? group.title.replaceAll('-', '-\n') : group.title,
      head,
      cells: verdicts.map((line) => beside(line, (verdict) => c[tone(verdict)](verdict))),
    };
  });
  return columns([
    ['', ...drawn.map(({ title }) => title)],
    ['', ...drawn.map(({ head }) => head)],
    ...rows.map((row, i) => [row, ...drawn.map(({ cells }) => cells[i] as string)]),
  ]);
}

/** A grid in as few blocks as the width of a line allows. */
function gridText(grid: Grid, options: TextOptions): string {
  const blocks: string[] = [];
  for (let from = 0; from < grid.groups.length; ) {
    let to = grid.groups.length;
    while (to > from + 1 && !fits(blockText(grid, grid.groups.slice(from, to), { ...options, color: false })))
      to--;
    blocks.push(blockText(grid, grid.groups.slice(from, to), options));
    from = to;
  }
  return blocks.join('\n\n');
}

function fits(text: string): boolean {
  return text.split('\n').every((line) => line.length <= WIDTH);
}

/** The part of a table in which anything was judged: what a filesystem does not claim fills no rows and columns. */
function judged(table: PairTable): Pick<PairTable, 'fillers' | 'invalidators'> {
  const { profiles } = table;
  const seen = (filler: string, invalidator: string): boolean =>
    profiles.some((profile) => (table.cell(filler, invalidator, profile) ?? 'n/a') !== 'n/a');
  return {
    fillers: table.fillers.filter((filler) => table.invalidators.some((column) => seen(filler, column))),
    invalidators: table.invalidators.filter((column) => table.fillers.some((filler) => seen(filler, column))),
  };
}

/**
 * Fillers against invalidators, a table for each filesystem.
 *
 * @param results - Results of the run.
 * @param checks - The suite.
 * @param options - Colours.
 * @returns Empty if no pair was judged.
 */
export function pairTablesText(
  results: readonly CheckResult[],
  checks: readonly Check[],
  options: TextOptions,
): string {
  const tables: string[] = [];
  for (const fs of new Set(results.map((result) => result.fs))) {
    const table = pairTable(
      results.filter((result) => result.fs === fs),
      checks,
    );
    const { fillers, invalidators } = judged(table);
    if (fillers.length === 0) continue;
    const { profiles } = table;
    const grid: Grid = {
      rows: fillers,
      groups: invalidators.map((title) => ({ title, profiles })),
      cell: (filler, { title }, profile) => table.cell(filler, title, profiles[profile] as string),
    };
    tables.push(`${palette(options).bold(`${fs}: who fills the cache, against who invalidates it`)}`);
    tables.push(gridText(grid, options));
  }
  return tables.length === 0 ? '' : [...tables, LEGEND].join('\n\n');
}

/**
 * The verdict matrix: scenarios against filesystems.
 *
 * @param matrix - The matrix.
 * @param options - Colours.
 */
export function matrixText(matrix: VerdictMatrix, options: TextOptions): string {
  const grid: Grid = {
    rows: Object.keys(matrix.rows),
    groups: Object.entries(matrix.filesystems).map(([title, { profiles }]) => ({ title, profiles })),
    cell: (row, { title }, profile) => matrix.filesystems[title]?.cells[row]?.[profile] ?? null,
  };
  return [gridText(grid, options), rowsText(matrix), LEGEND].join('\n\n');
}

function rowsText({ rows }: VerdictMatrix): string {
  return columns(Object.entries(rows).map(([row, about]) => [row, about]));
}

/**
 * The verdict matrix as a table in Markdown: a column for each filesystem, its profiles side by side in a cell.
 *
 * @param matrix - The matrix.
 */
export function matrixMarkdown({ rows, filesystems }: VerdictMatrix): string {
  const all = Object.entries(filesystems);
  return markdownTable([
    ['', ...all.map(([name]) => name)],
    ['', ...all.map(([, { profiles }]) => profiles.join(', '))],
    ...Object.keys(rows).map((row) => [
      row,
      ...all.map(([, { cells }]) => (cells[row] ?? []).map((verdict) => verdict ?? '-').join(', ')),
    ]),
  ]);
}
