/** The reports that a run can print. */
import { CHECKS } from '@fsport/conformance';
import { type RunEvents, reportText, runJson, type TextOptions } from '@fsport/report';

type Reporter = (events: RunEvents, write: (text: string) => void, options: TextOptions) => void;

/** Reports by name. */
export const REPORTERS: Readonly<Record<string, Reporter>> = {
  text: (events, write, options) => reportText(events, write, { ...options, checks: CHECKS }),
  json: (events, write) => events.on('end', ({ results }) => write(runJson(results))),
};
