// Shows who is given which job to do.

import { CHECKS } from '@fsport/conformance';
import { describe, expect, test } from '@jest/globals';
import { Agenda } from '#src/agenda.js';
import type { Job } from '#src/jobs.js';
import type { Thread } from '#src/thread.js';
import type { WorkEnd } from '#src/work.js';

/** Filesystems; only which one it is is looked at. */
const [A, B, C] = ['a', 'b', 'c'].map((name) => ({ fs: { name }, expected: null })) as unknown as [
  Job['plugin'],
  Job['plugin'],
  Job['plugin'],
];
/** Only who asks is looked at. */
const [ONE, TWO] = [{}, {}] as [Thread, Thread];

function jobsOf(...plugins: readonly Job['plugin'][]): readonly Job[] {
  return plugins.map((plugin, at): Job => ({ plugin, profile: 'v5.15', check: CHECKS[at] as never }));
}

function agendaOf(jobs: readonly Job[], longestFirst = [...jobs.keys()]): Agenda {
  const kept = { keep: () => undefined, read: () => null };
  const listener = { ended: () => undefined, running: () => undefined };
  return new Agenda(jobs, longestFirst, 1_000, kept, listener);
}

/** Names of the filesystems that are handed out, one after another, to these threads. */
function handedOut(agenda: Agenda, ...threads: readonly (Thread | undefined)[]): string {
  return threads.map((thread) => agenda.next(thread)?.job.plugin.fs.name ?? '-').join('');
}

describe('an agenda', () => {
  test('begins with the longest if nobody in particular asks', () => {
    const agenda = agendaOf(jobsOf(A, B, C), [1, 2, 0]);
    expect(handedOut(agenda, ...new Array(4).fill(undefined))).toBe('bca-');
  });

  test('gives a thread its filesystem in the order of the suite, and the longest to who helps', () => {
    const jobs = jobsOf(A, B, B, B, B);
    const agenda = agendaOf(jobs, [4, 3, 2, 1, 0]);
    const given = [ONE, TWO, ONE, TWO, ONE].map((thread) => jobs.indexOf(agenda.next(thread)?.job as Job));
    expect(given).toEqual([0, 1, 4, 2, 3]);
  });

  test('keeps a thread with a filesystem, and threads with different ones', () => {
    const agenda = agendaOf(jobsOf(A, A, B, B, C, A, B));
    expect(handedOut(agenda, ONE, TWO, ONE, TWO, ONE, ONE)).toBe('ababac');
  });

  test('lets a thread help another one when no filesystem is left that nobody is at', () => {
    const agenda = agendaOf(jobsOf(A, B, B, B, B));
    expect(handedOut(agenda, ONE, TWO, ONE, ONE, TWO, ONE)).toBe('abbbb-');
  });

  test('goes on with what a thread has begun before it begins something else', () => {
    const agenda = agendaOf(jobsOf(A, B, A));
    const [first] = [agenda.next(ONE), agenda.next(TWO)];
    const part = { memory: null, next: 'a part' };
    const end = {
      before: 0,
      stopped: null,
      phases: [],
      longest: 0,
      failure: null,
      violations: [],
      traces: null,
    };
    const divided = { ...end, memory: null, parts: [part, part], rest: part, report: null };
    agenda.ended(first as never, { end: divided, seconds: 1 } as unknown as WorkEnd);
    // The second thread stays with its own, and helps when that is done.
    expect(agenda.next(ONE)).toMatchObject({ job: first?.job, name: '1.0-1' });
    expect(agenda.next(TWO)).toMatchObject({ job: first?.job, name: '1.1-1' });
    expect(agenda.next(ONE)).toMatchObject({ job: { plugin: A }, name: '1' });
  });
});
