// Writes docs/checks.md from the registry of checks and docs/errors.md from the table of error codes. With --check
// nothing is written, and the status says whether they are current. Build first.

import { join } from 'node:path';
import { CHECKS, GROUPS } from '../packages/conformance/dist/index.js';
import { ERRORS } from '../packages/core/dist/index.js';
import { generated, table } from './generated.mjs';
import { root } from './pnpm.mjs';

const COMMAND = 'node scripts/reference.mjs';

/** The part of an id before the slash. */
function areaOf({ id }) {
  return id.slice(0, id.indexOf('/'));
}

/** What a check asks of a filesystem: `!x` is a claim that it must not make. */
function requiresOf({ requires }) {
  const claims = Object.entries(requires).map(([claim, wanted]) => `\`${wanted ? '' : '!'}${claim}\``);
  return claims.length === 0 ? 'nothing' : claims.join(', ');
}

/** Prose in a cell: `*` and `<` are no markup there. */
function plain(text) {
  return text.replace(/[*<]/gu, (one) => `\\${one}`);
}

function checksPage() {
  const rows = (area) =>
    CHECKS.filter((check) => areaOf(check) === area).map((check) => [
      `\`${check.id}\``,
      plain(check.summary),
      check.groups.join(', '),
      requiresOf(check),
      plain(check.see),
    ]);
  const areas = [...new Set(CHECKS.map(areaOf))];
  return [
    '# Checks',
    '',
    `All ${CHECKS.length} checks of the suite, in the order in which they run. Generated from the registry by`,
    `\`${COMMAND}\`; do not edit. A check is not run on a filesystem that does not claim what it requires; with`,
    '`!` a claim is one that the filesystem must not make.',
    '',
    '## Groups',
    '',
    ...table(
      ['Group', 'Meaning'],
      Object.entries(GROUPS).map(([name, meaning]) => [`\`${name}\``, meaning]),
    ),
    ...areas.flatMap((area) => [
      `## ${area}`,
      '',
      ...table(['Check', 'Claim', 'Groups', 'Requires', 'See'], rows(area)),
    ]),
  ].join('\n');
}

function errorsPage() {
  return [
    '# Errors',
    '',
    'Every code of a `ContractError` (the model did what the kernel forbids: the execution ends, and is reported with its',
    'schedule) and of a `UsageError` (the tool was used wrongly: exit status 3). Codes are stable, messages are not.',
    `Generated from \`packages/core/src/errors.ts\` by \`${COMMAND}\`; do not edit.`,
    '',
    ...table(
      ['Code', 'Meaning'],
      Object.entries(ERRORS).map(([code, meaning]) => [`\`${code}\``, plain(meaning)]),
    ),
  ].join('\n');
}

generated(join(root, 'docs/checks.md'), checksPage(), COMMAND);
generated(join(root, 'docs/errors.md'), errorsPage(), COMMAND);
