/**
 * A replayed token for ShiViz: the expression that reads the log, then each step with its vector clock.
 *
 * @see https://bestchai.bitbucket.io/shiviz/
 */
import type { CheckTrace } from '@fsport/conformance';

const EXPRESSION = '(?<host>\\S+) (?<clock>\\{.*\\})\\n(?<event>.*)';

/**
 * A log for ShiViz. Its first line is the expression, its second one separates executions and is empty: there is one.
 *
 * @param trace - What was replayed.
 */
export function shivizLog({ tasks, steps }: CheckTrace): string {
  const hosts = new Map(tasks.map(({ name, title }) => [name, `${name}:${title.replaceAll(/\s+/g, '_')}`]));
  const hostOf = (task: string): string => hosts.get(task) ?? task;
  const events = steps.map(({ task, text, result, clock }) => {
    const named = Object.fromEntries(Object.entries(clock).map(([name, count]) => [hostOf(name), count]));
    return `${hostOf(task)} ${JSON.stringify(named)}\n${`${text}  ${result}`.trimEnd()}`;
  });
  return `${[EXPRESSION, '', ...events].join('\n')}\n`;
}
