/**
 * A run as KTAP, the format in which the kernel's own tests report.
 *
 * @see Documentation/dev-tools/ktap.rst (v5.15)
 */
import type { Entry, RunDocument, Suite } from './document.js';
import { replayCommand } from './failure-text.js';
import { toldOf } from './verdict-words.js';

/** A `#` begins a directive, and a line is a result. */
function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('#', '').trim();
}

function directive(entry: Entry): readonly [ok: boolean, directive: string] {
  const { outcome, why } = toldOf(entry.report);
  switch (outcome) {
    case 'pass':
      return [true, ''];
    case 'xfail':
      return [true, ` # XFAIL ${plain(why)}`];
    case 'skip':
      return [true, ` # SKIP ${plain(why)}`];
    case 'fail':
      return [false, ''];
    case 'unknown':
      return [false, ` # TIMEOUT ${plain(why)}`];
    case 'known-unknown':
      return [true, ` # SKIP unknown, as declared: ${plain(why)}`];
    case 'internal':
      return [false, ` # ERROR ${plain(why)}`];
  }
}

function diagnostics({ report }: Entry): string[] {
  const { outcome, why } = toldOf(report);
  if (report === null || outcome === 'skip') return [];
  const { token } = report.result;
  const lines = outcome === 'xfail' ? [] : [why];
  if (outcome === 'fail' && report.failure !== null) lines.push(report.failure.message);
  if (token !== null && token !== '') lines.push(replayCommand(report.result, token));
  return lines.map((line) => `  # ${line.replaceAll(/\s+/g, ' ')}`);
}

function suiteLines({ entries }: Suite, whole: boolean): { readonly lines: string[]; readonly ok: boolean } {
  const lines = ['  KTAP version 1', `  1..${entries.length}`];
  let good = true;
  for (const [i, entry] of entries.entries()) {
    if (entry.report === null && !whole) return { lines, ok: false };
    const [ok, text] = directive(entry);
    good &&= ok;
    lines.push(
      ...diagnostics(entry),
      `  ${ok ? 'ok' : 'not ok'} ${i + 1} ${plain(entry.planned.check)}${text}`,
    );
  }
  return { lines, ok: good };
}

/**
 * A run as KTAP.
 *
 * @param document - The run.
 * @param whole - With the checks that have not ended, as timed out; if not, it ends before the first of them.
 */
export function ktap(document: RunDocument, whole: boolean): string {
  const { suites } = document;
  const all = ['KTAP version 1', `1..${suites.length}`];
  for (const [i, suite] of suites.entries()) {
    const { lines, ok } = suiteLines(suite, whole);
    all.push(...lines);
    if (!whole && suite.entries.some(({ report }) => report === null)) break;
    all.push(`${ok ? 'ok' : 'not ok'} ${i + 1} ${suite.name}`);
  }
  return `${all.join('\n')}\n`;
}
