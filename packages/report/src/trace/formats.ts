/** The formats in which a replayed token can be shown, besides text. */
import type { CheckTrace } from '@fsport/conformance';
import type { Where } from '../failure-text.js';
import { changelogText } from './changelog.js';
import { ftraceText } from './ftrace.js';
import { mermaidText } from './mermaid.js';
import { perfettoJson } from './perfetto.js';
import { shivizLog } from './shiviz.js';
import { svgPicture } from './svg.js';

/** By name. */
export const TRACE_FORMATS: Readonly<Record<string, (trace: CheckTrace, where: Where) => string>> = {
  changelog: changelogText,
  mermaid: mermaidText,
  svg: svgPicture,
  perfetto: perfettoJson,
  shiviz: shivizLog,
  ftrace: ftraceText,
};
