/** A schedule as a sequence diagram of Mermaid, which GitHub draws in comments. */
import type { ReplayedCheck, ShownStep } from '@fsport/conformance';
import { counted } from '../layout.js';

/** A diagram with more steps cannot be read. */
const MOST_STEPS = 30;

/** Text that Mermaid takes as text. */
function plain(text: string): string {
  return text
    .replaceAll('#', '#35;')
    .replaceAll(';', (mark, at, whole: string) => (/#\d+$/.test(whole.slice(0, at)) ? mark : '#59;'))
    .replaceAll('<', '#lt;')
    .replaceAll('>', '#gt;');
}

/** Steps that are shown: where tasks change, and what is close to it, if not all can be. */
function chosen(steps: readonly ShownStep[], at: number | null): ReadonlySet<number> {
  const indices = [...steps.keys()];
  if (steps.length <= MOST_STEPS) return new Set(indices);
  const edges = indices.filter(
    (i) => steps[i]?.task !== steps[i + 1]?.task || steps[i]?.task !== steps[i - 1]?.task,
  );
  const distance = (i: number): number => {
    if (i === at) return -2;
    if (steps[i]?.preempted === true) return -1;
    return Math.min(...edges.map((edge) => Math.abs(edge - i)));
  };
  return new Set(indices.sort((a, b) => distance(a) - distance(b) || a - b).slice(0, MOST_STEPS));
}

/**
 * A sequence diagram, of at most 30 steps.
 *
 * @param replayed - What was replayed.
 */
export function mermaidText({ failure, steps }: ReplayedCheck): string {
  const titles = new Map(steps.map(({ task, title }) => [task, title]));
  const lines = [
    'sequenceDiagram',
    ...[...titles].map(([task, title]) => `  participant ${task} as ${task}: ${plain(title)}`),
  ];
  const at = failure?.at ?? null;
  const shown = chosen(steps, at);
  const all = [...titles.keys()];
  const across = all.length > 1 ? `${all[0]},${all.at(-1)}` : `${all[0]}`;
  let left = 0;
  const leftOut = (): void => {
    if (left > 0) lines.push(`  Note over ${across}: ... ${counted(left, 'step')} left out ...`);
    left = 0;
  };
  for (const [i, { task, text, result, preempted }] of steps.entries()) {
    if (!shown.has(i)) {
      left++;
      continue;
    }
    leftOut();
    lines.push(`  ${task}->>${task}: ${i + 1} ${plain(`${text}  ${result}`.trimEnd())}`);
    if (i === at) lines.push(`  Note over ${task}: ${plain(failure?.property ?? '')}`);
    if (preempted) lines.push(`  Note over ${task}: preempted`);
  }
  leftOut();
  if (failure !== null) lines.push(`  Note over ${across}: ${plain(failure.message)}`);
  return `${lines.join('\n')}\n`;
}
