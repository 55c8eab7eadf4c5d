/** Why each switch of a failing schedule matters: the schedule is run without it, and judged again. */
import type { ReplayedCheck } from '@fsport/conformance';
import { openToken, parseToken, type TokenRun } from '@fsport/explore';

/**
 * What each switch away from a task that could have gone on is good for.
 *
 * The schedule is cut at the switch; the task goes on instead, and nothing is preempted any more. So a failure that
 * is still there needed neither this switch nor a later one.
 *
 * @param token - The token.
 * @param shown - What it shows.
 * @param replay - Replays a token on the same filesystem and profile.
 * @returns One line for each switch, in order.
 */
export function switchesText(
  token: string,
  shown: ReplayedCheck,
  replay: (token: string) => ReplayedCheck,
): readonly string[] {
  return shown.steps.flatMap(({ preempted, task, text }, index) => {
    if (!preempted) return [];
    const { failure } = replay(cut(token, index + 1));
    const next = shown.steps.slice(index + 1).find((step) => step.task === task);
    const until = next === undefined ? 'its end' : next.text;
    const where = `step ${index + 1}, ${task} between ${text} and ${until}`;
    return failure === null
      ? `${where}: nothing is wrong if ${task} goes on here`
      : `${where}: still ${failure.property} if ${task} goes on here`;
  });
}

/** The first steps of a schedule, without a digest: what follows is left open. All its tasks are there. */
function cut(token: string, steps: number): string {
  const { check, cuts, runs, idle } = parseToken(token);
  let left = steps;
  const kept: TokenRun[] = [];
  for (const run of runs) {
    const count = Math.min(run.count, left);
    if (count > 0) kept.push({ ...run, count, choice: count === run.count ? run.choice : -1 });
    left -= count;
  }
  const roots = new Set([...runs.map(({ task }) => task.charAt(0)), ...idle]);
  for (const { task } of kept) roots.delete(task.charAt(0));
  return openToken(check, kept, [...roots], cuts);
}
