// Shows that progress stays silent for quick checks, rewrites one line, and is gone before anything else is written.

import { type RunEventTypes, showProgress, WIDTH } from '@fsport/report';
import { expect, test } from '@jest/globals';
import { EventEmitter } from 'eventemitter3';
import { result } from './fixtures/results.js';

const CLEAR = '\r\u001b[K';

function progress(seconds: number): RunEventTypes['progress'][0] {
  return { fs: 'toy', profile: 'v5.14', check: 'a/b', executions: 30_000, seconds };
}

test('progress', () => {
  const events = new EventEmitter<RunEventTypes>();
  const written: string[] = [];
  showProgress(events, (text) => written.push(text));

  events.emit('progress', progress(1.9));
  events.emit('check', { result: result(), failure: null });
  expect(written).toEqual([]);

  events.emit('progress', progress(3));
  expect(written).toEqual([`${CLEAR}toy v5.14 a/b  30,000 executions, 10,000/s`]);

  events.emit('check', { result: result(), failure: null });
  expect(written.slice(1)).toEqual([CLEAR]);

  events.emit('progress', { ...progress(4), check: 'x'.repeat(200) });
  expect((written.at(-1) as string).length - CLEAR.length).toBeLessThan(WIDTH);
});
