/** The engine that runs jobs in threads of this process. */
import { Agenda } from './agenda.js';
import type { Budgets } from './budgets.js';
import type { Engine } from './engine.js';
import type { KeptLegFiles } from './kept-search.js';
import { startThreads, type Thread } from './thread.js';
import type { Work } from './work.js';

/**
 * @param count - How many threads, at most.
 * @param budgets - Strategy and budgets of every job.
 * @param kept - Where searches are kept.
 */
export function threadsEngine(count: number, budgets: Budgets, kept: KeptLegFiles): Engine {
  return async (jobs, order, listener, stop) => {
    const agenda = new Agenda(jobs, order, budgets.maxExecutions, kept, listener);
    const threads = startThreads(Math.min(count, order.length), budgets, (work) => kept.searchOf(work));
    const idle = new Set(threads);
    const running = new Set<Promise<void>>();
    const run = async (thread: Thread, work: Work): Promise<void> => {
      const tell = (executions: number, seconds: number): void => agenda.running(work, executions, seconds);
      const ended = await thread.run(work, tell, [stop, agenda.uselessness(work)]);
      idle.add(thread);
      // The thread goes on while what came of this is kept and told.
      fill();
      if (ended !== null) agenda.ended(work, ended);
    };
    const fill = (): void => {
      for (const thread of idle) {
        const work = stop.aborted ? null : agenda.next(thread);
        if (work === null) continue;
        idle.delete(thread);
        const started: Promise<void> = run(thread, work).finally(() => running.delete(started));
        running.add(started);
      }
    };
    try {
      for (fill(); running.size > 0; fill()) await Promise.race(running);
    } finally {
      await Promise.all(threads.map((thread) => thread.close()));
    }
  };
}
