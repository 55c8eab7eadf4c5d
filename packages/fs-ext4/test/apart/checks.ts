// Runs the checks of one area under one profile, and prints what did not come out as declared.

import { readFileSync } from 'node:fs';
import { checksOf, parseExpected, runCheck, selectChecks } from '@fsport/conformance';
import ext4 from '@fsport/fs-ext4';

const [profile, pattern] = process.argv.slice(2) as [string, string];
const path = new URL('../../expected.json', import.meta.url);
const expected = parseExpected(JSON.parse(readFileSync(path, 'utf8')), 'expected.json');
const results = selectChecks(checksOf(ext4), pattern).map(
  (check) => runCheck(ext4, profile, check, expected, { shrink: false }).result,
);
const unexpected = results
  .filter(({ ok }) => !ok)
  .map(({ check, verdict, property }) => ({ check, verdict, property }));
const executions = results.reduce((sum, result) => sum + result.executions, 0);
process.stdout.write(JSON.stringify({ checks: results.length, executions, unexpected }));
