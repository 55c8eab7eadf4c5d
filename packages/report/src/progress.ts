/** What a terminal shows while a check runs: one line that is written over and over. */

import type { CheckProgress, RunEvents } from './events.js';
import { count, WIDTH } from './layout.js';

/** Checks that end sooner show nothing. */
const PATIENCE = 2;
const CLEAR = '\r\u001b[K';

/** `pair/pread-vs-punch-hole.page v5.15: 34,000 executions, 5,100/s`. */
export function progressLine({ fs, profile, check, executions, seconds }: CheckProgress): string {
  const rate = count(Math.round(executions / seconds));
  return `${fs} ${profile} ${check}  ${count(executions)} executions, ${rate}/s`.slice(0, WIDTH - 1);
}

/**
 * Show progress on a terminal. Call it before the other reporters, so that the line is gone when they write.
 *
 * @param events - The run.
 * @param write - Writes to the terminal.
 */
export function showProgress(events: RunEvents, write: (text: string) => void): void {
  let shown = false;
  const clear = (): void => {
    if (shown) write(CLEAR);
    shown = false;
  };
  events.on('progress', (progress) => {
    if (progress.seconds < PATIENCE) return;
    write(`${CLEAR}${progressLine(progress)}`);
    shown = true;
  });
  events.on('check', clear);
  events.on('end', clear);
}
