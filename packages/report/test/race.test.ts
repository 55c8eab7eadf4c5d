// Shows that a schedule is drawn with a column for each task, within 100 columns and with nothing left out
// that does not repeat itself, and that it points at the preemption and at the step that broke a rule.

import type { ShownStep } from '@fsport/conformance';
import { columnsText, explainText, raceText, WIDTH } from '@fsport/report';
import { describe, expect, test } from '@jest/globals';
import { check, FAILURE, longest, PLAIN, STEPS, step } from './fixtures/results.js';

const WHERE = { fs: 'toy', profile: 'v5.14' };
const RACE = raceText(FAILURE, WHERE, check('race/e1-read-vs-punch'), PLAIN);
/** What a colour begins with. */
const ESCAPE = '\u001b[';

/** Steps of some tasks in turn, with cells as long as real ones. */
function turns(tasks: readonly string[]): ShownStep[] {
  return [0, 1].flatMap(() =>
    tasks.map((task) => step(task, `pagevec_lookup_range_tag(i_pages[${task}])`, { result: 'page 0' })),
  );
}

/** Where a line begins, step number aside. */
function offset(line: string): number {
  return line.slice(8).search(/\S/) + 8;
}

describe('columns', () => {
  test.each([
    ['one task', ['p']],
    ['two', ['p', 'r']],
    ['three', ['p', 'r', 'w']],
    ['six', ['p', 'r', 'w', 'a', 'b', 'c']],
  ])('of %s are as many, in their order, within the width', (_what, tasks) => {
    const text = columnsText(turns(tasks), null, PLAIN);
    const starts = text
      .split('\n')
      .filter((line) => /^ +\d+ .*pagevec/.test(line))
      .map(offset);
    expect(starts).toHaveLength(2 * tasks.length);
    expect(new Set(starts).size).toBe(tasks.length);
    expect(starts.slice(0, tasks.length)).toEqual([...new Set(starts)].sort((a, b) => a - b));
    expect(starts.slice(tasks.length)).toEqual(starts.slice(0, tasks.length));
    expect(longest(text)).toBeLessThanOrEqual(WIDTH);
  });

  test('lose nothing when cells are wrapped', () => {
    const name = 'x'.repeat(150);
    const text = columnsText([step('p', 'a()'), step('r', `${name}(y)`, { result: 'done' })], null, PLAIN);
    expect(longest(text)).toBeLessThanOrEqual(WIDTH);
    expect(text.replaceAll(/\s+/g, '')).toContain(`${name}(y)done`);
  });

  test('leave out the middle of a schedule that goes on for ever, but not the step that broke a rule', () => {
    const long = Array.from({ length: 5000 }, (_, i) => step('p', `a(${i + 1})`));
    const text = columnsText(long, { at: 2499, text: 'livelock' }, PLAIN);
    const numbers = [...text.matchAll(/^ +(\d+) /gm)].map(([, number]) => Number(number));
    expect([numbers[0], numbers[99], numbers[100], numbers[101], numbers.at(-1)]).toEqual([
      1, 100, 2500, 4901, 5000,
    ]);
    expect(text).toContain('... 4,800 steps left out ...');
    expect(columnsText(long.slice(0, 200), null, PLAIN)).not.toContain('left out');
  });

  test('break a title that is too long before its arguments', () => {
    const text = columnsText(turns(['p', 'r', 'w', 'a']), null, PLAIN);
    expect(text).toMatch(/^ +fallocate .*\n +\(PUNCH_HOLE\) /);
  });

  test('are shared by what one task left to interrupts, and name all of it', () => {
    const text = columnsText([step('r', 'a()'), step('rA', 'b()'), step('rB', 'c()')], null, PLAIN);
    const [head, names] = text.split('\n') as [string, string];
    expect(head.trim().split(/ {2,}/)).toEqual(['pread(2)', 'read completion']);
    expect(names.trim().split(/ {2,}/)).toEqual(['r', 'rA rB']);
  });
});

describe('a race', () => {
  const lines = RACE.split('\n');

  test('has every step, numbered, with its result', () => {
    for (const [i, { text, result }] of STEPS.entries()) {
      const line = lines.find((one) => one.includes(text)) as string;
      expect(line.trim().split(/ +/)[0]).toBe(String(i + 1));
      expect(line.trimEnd().endsWith(result === '' ? text : `${text}  ${result}`)).toBe(true);
    }
  });

  test('says where it was preempted, and only there', () => {
    const marks = lines.filter((line) => line.includes('preempted'));
    expect(marks).toHaveLength(1);
    expect(lines[lines.indexOf(marks[0] as string) - 1]).toContain('down_write(');
  });

  test('points at the step that broke the rule', () => {
    const bad = lines.findIndex((line) => line.includes('bio_endio'));
    expect(lines[bad]).toMatch(/^ +5 >/);
    expect((lines[bad + 1] as string).trim()).toBe('^^^ stale-data (S-1)');
  });

  test('says what is wrong, why, and within which bounds', () => {
    const flat = RACE.replaceAll(/\s+/g, ' ');
    for (const text of [FAILURE.message, FAILURE.because[0] as string, FAILURE.bounds, '1 preemption'])
      expect(flat).toContain(text);
    expect(flat).toContain('fixed by 730633f0b7f9 ("mm: Protect operations adding pages to page cache")');
  });

  test('keeps to the width; only the command may be longer', () => {
    expect(longest(lines.filter((line) => !line.includes('fsport replay')).join('\n'))).toBeLessThanOrEqual(
      WIDTH,
    );
  });

  test('ends with a command whose token is that of the failure', () => {
    expect(/fsport replay toy '([^']+)' -s v5\.14$/.exec(RACE)?.[1]).toBe(FAILURE.token);
  });

  test('has colours only when asked', () => {
    const colored = raceText(FAILURE, WHERE, check('race/e1-read-vs-punch'), { ...PLAIN, color: true });
    expect(RACE).not.toContain(ESCAPE);
    expect(colored).toContain(ESCAPE);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
    expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(RACE);
  });

  test('of the search as a whole has neither steps nor a command', () => {
    const failure = { ...FAILURE, property: 'lock-order', steps: [], at: null, token: '', preemptions: -1 };
    const text = raceText(failure, WHERE, check('x/y'), PLAIN);
    expect(text).toContain(FAILURE.message);
    expect(text).not.toMatch(/fsport replay|preemption|undefined|Infinity/);
  });
});

describe('a replayed token', () => {
  const one = check('race/e1-read-vs-punch');

  test('that fails is the race', () => {
    expect(explainText({ check: one, failure: FAILURE, steps: STEPS }, WHERE, PLAIN)).toBe(RACE);
  });

  test('that does not fail shows its steps and says so', () => {
    const text = explainText({ check: one, failure: null, steps: STEPS }, WHERE, PLAIN);
    expect(text).toContain('nothing is wrong');
    for (const { text: shown } of STEPS) expect(text).toContain(shown);
    expect(text).not.toContain('^^^');
  });
});
