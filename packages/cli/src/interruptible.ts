/**
 * Run with a signal that Ctrl-C aborts; a second Ctrl-C ends the process at once.
 *
 * @param run - What to run.
 */
export async function interruptible<T>(run: (interrupt: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  try {
    return await run(controller.signal);
  } finally {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  }
}
