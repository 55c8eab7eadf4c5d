/** A replayed token for programs: `<check>.trace.json`. Everything that the other formats are made from. */
import type { CheckTrace } from '@fsport/conformance';
import type { Where } from '../failure-text.js';

/** Changes when a reader of the last one would misunderstand this one. */
const FORMAT = 1;

/**
 * The content of a trace.json.
 *
 * @param trace - What was replayed.
 * @param where - Filesystem and profile.
 */
export function traceJson(trace: CheckTrace, { fs, profile }: Where): string {
  const { check, failure, tasks, cached, steps } = trace;
  const {
    token = null,
    property = null,
    rule = null,
    message = null,
    because = [],
    at = null,
  } = failure ?? {};
  return `${JSON.stringify(
    {
      format: FORMAT,
      fs,
      profile,
      check: check.id,
      geometry: check.geometry,
      token,
      failure: failure === null ? null : { property, rule, message, because, at },
      tasks,
      cached,
      steps: steps.map(({ origin: _, ...step }) => step),
    },
    null,
    1,
  )}\n`;
}
