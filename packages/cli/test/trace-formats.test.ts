// Shows that each form of a token means what happened: everything in it comes from the steps, and nothing is lost that a
// reader needs. ShiViz logs are judged by a library of vector clocks, Perfetto traces by a reader of Chrome's format,
// pictures by libxml2, ftrace by the rules that recorded traces of Linux keep.

import { CHECKS, type Check, type CheckTrace, runCheck, selectChecks, traceCheck } from '@fsport/conformance';
import { ACCESS_NAMES, dependent } from '@fsport/core';
import ext4 from '@fsport/fs-ext4';
import { TRACE_FORMATS } from '@fsport/report';
import { describe, expect, test } from '@jest/globals';
import { buildModel } from '@tracerbench/trace-model';
import { compare } from 'vectorclock';
import { validateXML } from 'xmllint-wasm';

const RACES = [
  'race/e1-read-vs-punch',
  'race/e2-corruption',
  'race/e7-zero-range-vs-read',
  'race/e8-collapse-vs-read',
];
const WHERE = { fs: 'ext4', profile: 'v5.14' };

function checkOf(id: string): Check {
  return selectChecks(CHECKS, id)[0] as Check;
}

const TRACES: readonly CheckTrace[] = RACES.map((id) => {
  const { token } = runCheck(ext4, 'v5.14', checkOf(id), null).result;
  return traceCheck(ext4, 'v5.14', token as string, null);
});

function written(format: string, trace: CheckTrace): string {
  return (TRACE_FORMATS[format] as (typeof TRACE_FORMATS)[string])(trace, WHERE);
}

const CASES = TRACES.map((trace) => [trace.check.id, trace] as const);

test.each(CASES)('%s fails by a schedule with a preemption', (_id, trace) => {
  expect(trace.failure?.token).toMatch(/@1[-:]/);
  expect(trace.steps.some(({ preempted }) => preempted)).toBe(true);
});

test.each(Object.keys(TRACE_FORMATS))('%s has the same bytes twice', (format) => {
  for (const trace of TRACES) {
    const again = traceCheck(ext4, 'v5.14', trace.failure?.token as string, null);
    expect(written(format, again)).toBe(written(format, trace));
  }
});

/** Is step `a` before step `b` in every equivalent execution, as the clocks say? */
function before({ steps }: CheckTrace, a: number, b: number): boolean {
  const [one, other] = [steps[a], steps[b]];
  return (other?.clock[one?.task as string] ?? 0) >= (one?.clock[one.task] as number);
}

describe('vector clocks', () => {
  test.each(CASES)('of %s order whatever touches one object in ways that do not commute', (_id, trace) => {
    const kinds = trace.steps.map(({ access }) => ACCESS_NAMES.indexOf(access));
    let ordered = 0;
    for (const [b, later] of trace.steps.entries()) {
      for (const [a, earlier] of trace.steps.slice(0, b).entries()) {
        // Who asks i_size about one part of the file commutes with a store that moves the end elsewhere.
        const whole = earlier.object?.startsWith('i_size[') === false;
        const same = whole && earlier.object === later.object;
        const conflict = same && dependent(kinds[a] as number, kinds[b] as number);
        if (!conflict && earlier.task !== later.task) continue;
        expect([a, b, before(trace, a, b)]).toEqual([a, b, true]);
        ordered++;
      }
      expect(trace.steps.slice(0, b).some((_, a) => before(trace, b, a))).toBe(false);
    }
    expect(ordered).toBeGreaterThan(trace.steps.length);
  });

  test.each(CASES)(
    'of %s leave open what can be exchanged: everybody sees the same all the same',
    (_id, trace) => {
      const { steps, failure } = trace;
      // What is left out stays left out.
      const [scenario] = (failure?.token ?? '').split(':');
      const seen = (all: CheckTrace): object =>
        Object.fromEntries(
          all.tasks.map(({ name }) => [
            name,
            all.steps.filter(({ task }) => task === name).map(({ text, result }) => [text, result]),
          ]),
        );
      let exchanged = 0;
      for (let i = 0; i + 1 < steps.length; i++) {
        if (steps[i]?.task === steps[i + 1]?.task || before(trace, i, i + 1)) continue;
        const order = steps.map(({ task, choice }) => ({ task, choice }));
        [order[i], order[i + 1]] = [order[i + 1] as (typeof order)[0], order[i] as (typeof order)[0]];
        const text = order.map(({ task, choice }) => `${task}1${choice < 0 ? '' : `!${choice}`}`).join('');
        expect(seen(traceCheck(ext4, 'v5.14', `${scenario}:${text}`, null))).toEqual(seen(trace));
        exchanged++;
      }
      expect(exchanged).toBeGreaterThan(0);
    },
  );
});

describe('a ShiViz log', () => {
  test.each(CASES)('of %s is read by its own expression, and its clocks are clocks', (_id, trace) => {
    const [expression, separator, ...lines] = written('shiviz', trace).split('\n');
    expect(separator).toBe('');
    const text = lines.join('\n');
    const events = [...text.matchAll(new RegExp(expression as string, 'g'))].map(({ groups }) => ({
      host: groups?.['host'] as string,
      clock: JSON.parse(groups?.['clock'] as string) as Record<string, number>,
      event: groups?.['event'] as string,
    }));
    expect(events.map(({ event }) => event)).toEqual(
      trace.steps.map(({ text: said, result }) => `${said}  ${result}`.trimEnd()),
    );
    const last = new Map<string, number>();
    for (const { host, clock } of events) {
      expect(clock[host]).toBe((last.get(host) ?? 0) + 1);
      last.set(host, clock[host] as number);
      // Nobody knows of what has not happened.
      for (const [other, count] of Object.entries(clock))
        expect(last.get(other)).toBeGreaterThanOrEqual(count);
    }
    for (const [b, later] of events.entries()) {
      for (const [a, earlier] of events.slice(0, b).entries()) {
        const compared = compare(earlier, later);
        expect([a, b, compared]).toEqual([a, b, before(trace, a, b) ? -1 : 0]);
      }
    }
  });
});

interface ChromeEvent {
  readonly ph: string;
  readonly name: string;
  readonly tid: number;
  readonly ts: number;
  readonly id?: number;
  readonly args?: { readonly step?: number };
}

describe('a Perfetto trace', () => {
  test.each(CASES)('of %s has a thread for each task and a slice for each step', (_id, trace) => {
    const { traceEvents } = JSON.parse(written('perfetto', trace)) as { traceEvents: ChromeEvent[] };
    const model = buildModel(traceEvents as unknown as Parameters<typeof buildModel>[0]);
    const [process, ...others] = model.processes;
    expect(others).toEqual([]);
    expect(process?.name).toBe(`ext4 v5.14: ${trace.check.id}`);
    const threads = process?.threads.filter(({ name }) => name !== '') ?? [];
    expect(threads.map(({ name }) => name)).toEqual(trace.tasks.map(({ name, title }) => `${name} ${title}`));
    for (const [i, { name }] of trace.tasks.entries()) {
      const slices = threads[i]?.events.filter((event) => event.isComplete()) ?? [];
      expect(slices.map((slice) => slice.name)).toEqual(
        trace.steps.filter(({ task }) => task === name).map(({ text }) => text),
      );
      // One after the other: nothing is inside anything.
      for (const [at, slice] of slices.entries()) {
        expect((slice as { parent?: unknown }).parent).toBeUndefined();
        expect(slice.start).toBeGreaterThanOrEqual(slices[at - 1]?.end ?? 0);
      }
    }
  });

  test.each(CASES)(
    'of %s shows each preemption, each lock that is held and who waited for whom',
    (_id, trace) => {
      const { traceEvents: events } = JSON.parse(written('perfetto', trace)) as {
        traceEvents: ChromeEvent[];
      };
      const named = (ph: string): ChromeEvent[] => events.filter((event) => event.ph === ph);
      const preempted = trace.steps.filter((step) => step.preempted).length;
      expect(named('i').filter(({ name }) => name === 'preempted')).toHaveLength(preempted);
      expect(named('i').map(({ name }) => name)).toContain(trace.failure?.property);
      for (const [begin, end] of [
        ['b', 'e'],
        ['s', 'f'],
      ] as const) {
        const ends = new Map(named(end).map((event) => [event.id, event]));
        expect(named(begin).length).toBeGreaterThan(0);
        expect(named(end)).toHaveLength(named(begin).length);
        for (const event of named(begin)) expect(ends.get(event.id)?.ts).toBeGreaterThanOrEqual(event.ts);
      }
      const taken = trace.steps.filter(({ access }) => /^down_(read|write)$/.test(access)).length;
      expect(named('b').length).toBeGreaterThanOrEqual(taken);
    },
  );
});

/** One line of ftrace. */
interface Line {
  readonly task: string;
  readonly event: string;
  readonly text: string;
}

/** Lines of a trace, in the form of the kernel. */
function readFtrace(text: string): readonly Line[] {
  return text
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => {
      const found = /^ *(.{1,15})-(\d+) +\[\d{3}\] [.a-zA-Z0-9]{5} +\d+\.\d{6}: (\w+): (.*)$/.exec(line);
      if (found === null) throw new Error(`not a line of ftrace: ${line}`);
      const [, comm, pid, event, said] = found as unknown as [string, string, string, string, string];
      return { task: `${comm}-${pid}`, event, text: said };
    });
}

/** A punch between taking the lock and having freed the blocks. */
interface Window {
  readonly task: string;
  readonly from: number;
  readonly to: number;
  readonly lastDelete: boolean;
  readonly freeing: boolean;
  readonly removed: boolean;
}

/** Names of the rules that a trace of punches on ext4 breaks. */
function brokenRules(lines: readonly Line[], pageSize: number): ReadonlySet<string> {
  const broken = new Set<string>();
  const resident = new Set<number>();
  let window = null as Window | null;
  const inside = (index: number): boolean =>
    window !== null && index * pageSize >= window.from && (index + 1) * pageSize <= window.to;
  const numbers = (text: string, names: string): number[] =>
    (new RegExp(names).exec(text) ?? []).slice(1).map((value) => Number(value));
  for (const { task, event, text } of lines) {
    const [bytes] = numbers(text, 'ofs=(\\d+)');
    const index = (bytes ?? 0) / pageSize;
    if (event === 'mm_filemap_add_to_page_cache') {
      if (window !== null && window.task !== task) broken.add('R1');
      if (window?.lastDelete === true && inside(index)) broken.add('R2');
      if (resident.has(index)) broken.add('R7');
      resident.add(index);
    } else if (event === 'mm_filemap_delete_from_page_cache') {
      if (!resident.delete(index)) broken.add('R7');
      if (window?.removed === true && window.task === task && inside(index)) broken.add('R5');
    } else if (event === 'ext4_punch_hole') {
      const [offset, len] = numbers(text, 'offset (\\d+) len (\\d+)') as [number, number];
      window = { task, from: offset, to: offset + len, lastDelete: false, freeing: false, removed: false };
    } else if (window !== null && task === window.task) {
      if (event === 'ext4_es_remove_extent') window = { ...window, removed: true, lastDelete: true };
      if (event === 'ext4_ext_remove_space') {
        window = { ...window, freeing: true };
        if ([...resident].some(inside)) broken.add('R3');
      }
      if (event === 'ext4_free_blocks' && !window.freeing) broken.add('R4');
      if (event === 'ext4_ext_remove_space_done') window = null;
    }
  }
  return broken;
}

describe('ftrace', () => {
  /** The rules that schedules break in which the puncher is preempted once. */
  function rulesOf(profile: string): readonly ReadonlySet<string>[] {
    const check = checkOf('race/e1-read-vs-punch');
    return Array.from({ length: 16 }, (_, steps) => {
      const trace = traceCheck(ext4, profile, `${check.id}@1:p${steps}r1`, null);
      const lines = readFtrace(written('ftrace', trace));
      expect(lines.filter(({ event }) => event === 'ext4_punch_hole')).toHaveLength(1);
      return brokenRules(lines, check.geometry.pageSize);
    });
  }

  test('with invalidate_lock keeps the rules that Linux keeps', () => {
    for (const broken of rulesOf('v5.15')) expect([...broken]).toEqual([]);
  });

  test('without it breaks the rule about who fills the cache in a punch', () => {
    expect(rulesOf('v5.14').some((broken) => broken.has('R1'))).toBe(true);
  });

  test.each(CASES)('of %s switches from the task that runs to another one', (_id, trace) => {
    let running: string | null = null;
    let preempted = 0;
    for (const { task, event, text } of readFtrace(written('ftrace', trace))) {
      if (running !== null) expect(task).toBe(running);
      if (event !== 'sched_switch') continue;
      const found = /prev_comm=(.*) prev_pid=(\d+) .*prev_state=(\w) ==> next_comm=(.*) next_pid=(\d+) /.exec(
        text,
      );
      expect(`${found?.[1]}-${found?.[2]}`).toBe(task);
      running = `${found?.[4]}-${found?.[5]}`;
      if (found?.[3] === 'R') preempted++;
    }
    expect(preempted).toBe(trace.steps.filter((step) => step.preempted).length);
  });

  test.each(CASES)('of %s has all tracepoints, with their inode', (_id, trace) => {
    const events = readFtrace(written('ftrace', trace))
      .filter(({ event }) => !/^(sched_switch|tracing_mark_write)$/.test(event))
      .map(({ event }) => event);
    const cached = trace.cached.map(() => 'mm_filemap_add_to_page_cache');
    expect(events).toEqual([
      ...cached,
      ...trace.steps.flatMap((step) => step.tracepoints.map(({ event }) => event)),
    ]);
    expect(events.length).toBeGreaterThan(2);
  });
});

describe('a sequence diagram', () => {
  test.each(CASES)('of %s has at most 30 steps, in order, and every preemption', (_id, trace) => {
    const lines = written('mermaid', trace)
      .trimEnd()
      .replaceAll(/#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
      .split('\n');
    expect(lines[0]).toBe('sequenceDiagram');
    const steps = lines.flatMap((line) => /^ {2}(\w+)->>\1: (\d+) (.*)$/.exec(line)?.slice(1, 4) ?? []);
    const numbers = steps.filter((_, i) => i % 3 === 1).map(Number);
    expect(numbers.length).toBe(Math.min(trace.steps.length, 30));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    for (const [i, number] of numbers.entries()) {
      const step = trace.steps[number - 1];
      expect([steps[3 * i], steps[3 * i + 2]]).toEqual([
        step?.task,
        `${step?.text}  ${step?.result}`.trimEnd(),
      ]);
    }
    for (const [i, { preempted, task }] of trace.steps.entries()) {
      if (!preempted) continue;
      const at = lines.findIndex((line) => line.startsWith(`  ${task}->>${task}: ${i + 1} `));
      expect(lines.slice(at, at + 3)).toContain(`  Note over ${task}: preempted`);
    }
    const left = trace.steps.length - numbers.length;
    const told = lines.flatMap((line) => Number(/\.\.\. (\d+) steps? left out/.exec(line)?.[1] ?? 0));
    expect(told.reduce((sum, count) => sum + count, 0)).toBe(left);
  });
});

describe('a changelog', () => {
  test.each(CASES)('of %s fits a mail, and has the switches in two columns', (_id, trace) => {
    const text = written('changelog', trace);
    const lines = text.split('\n');
    for (const line of lines)
      if (!line.includes('fsport replay')) expect(line.length).toBeLessThanOrEqual(72);
    const at = lines.findIndex((line) => /^ {2}CPU0 +CPU1/.test(line));
    expect(at).toBeGreaterThan(0);
    const second = (lines[at] as string).indexOf('CPU1');
    const columnOf = (call: string): number[] =>
      lines
        .filter((line) => line.trim().startsWith(call.split('(')[0] as string))
        .map((line) => line.search(/\S/));
    for (const [i, { preempted, text: said, task }] of trace.steps.entries()) {
      if (!preempted) continue;
      const other = trace.steps[i + 1];
      expect(columnOf(said)).toContain(task.startsWith('r') ? second : 2);
      expect(columnOf(other?.text ?? '')).toContain(other?.task.startsWith('p') ? 2 : second);
    }
    const flat = text.replaceAll(/\s+/g, ' ');
    expect(flat).toContain(trace.failure?.message.replaceAll(/\s+/g, ' '));
    expect(text).toContain(`fsport replay ext4 '${trace.failure?.token}' -s v5.14`);
    expect(flat).toContain('730633f0b7f9 ("mm: Protect operations adding pages to page cache');
  });
});

describe('a picture', () => {
  /** What is written in it, with where it begins. */
  function textsOf(svg: string): readonly { readonly x: number; readonly text: string }[] {
    return [...svg.matchAll(/<text x="(\d+)"[^>]*>([^<]*)<\/text>/g)].map(([, x, text]) => ({
      x: Number(x),
      text: (text as string)
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&quot;', '"')
        .replaceAll('&apos;', "'")
        .replaceAll('&amp;', '&'),
    }));
  }

  test.each(CASES)('of %s is XML that needs nothing else', async (_id, trace) => {
    const svg = written('svg', trace);
    const { errors } = await validateXML({
      xml: [{ fileName: 'race.svg', contents: svg }],
      schema: ['<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'],
    });
    // The schema knows no element: all that is left is that it is well-formed and has one root.
    expect(
      errors
        .map(({ message }) => message)
        .filter((message) => !/No matching global|fails to validate/.test(message)),
    ).toEqual([]);
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|url\(|@import|<script/);
  });

  test.each(CASES)('of %s has every step, and fits a telephone', (_id, trace) => {
    const svg = written('svg', trace);
    const [, width] = /viewBox="0 0 (\d+) \d+"/.exec(svg) as unknown as [string, string];
    expect(Number(width)).toBeLessThanOrEqual(400);
    const texts = textsOf(svg);
    // Ten pixels high, letters of one width: six tenths of that.
    for (const { x, text } of texts) expect(x + 6 * text.length).toBeLessThanOrEqual(Number(width));
    const all = texts
      .map(({ text }) => text)
      .join('')
      .replaceAll(/\s+/g, '');
    let at = 0;
    for (const [i, { text, result, preempted }] of trace.steps.entries()) {
      const wanted = `${i + 1}${text}${result}`.replaceAll(/\s+/g, '');
      at = all.indexOf(wanted, at);
      expect([wanted, at >= 0]).toEqual([wanted, true]);
      at += wanted.length;
      const marked = trace.failure?.at === i ? all.indexOf('ispreempted', at) : at + 1;
      if (preempted)
        expect([i, all.startsWith(`${trace.steps[i]?.task}ispreempted`, at) || marked > 0]).toEqual([
          i,
          true,
        ]);
    }
    expect(svg.match(/class="switch"/g)).toHaveLength(
      trace.steps.filter(({ task }, i) => i > 0 && task !== trace.steps[i - 1]?.task).length,
    );
  });
});
