// Collects the @departs tags of all packages into docs/departures.md: where the model differs from the kernel,
// and why that does not matter. With --check nothing is written, and the status says whether the page is current.
// Works on the folder it is started in.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { generated } from './generated.mjs';

const PAGE = join('docs', 'departures.md');

const AREAS = [
  ['core/src/mm/', 'Page cache, readahead, truncate, faults, writeback, reclaim'],
  ['core/src/fs/', 'Helpers that filesystems share'],
  ['core/src/block/', 'Disk'],
  ['core/src/locking/', 'Locks'],
  ['core/src/contracts', 'The locking table'],
  ['core/src/include/', 'Structures'],
  ['core/src/', 'The rest of core'],
];

/** Which heading a file goes under: a filesystem has its own. */
function areaOf(path) {
  return AREAS.find(([prefix]) => path.startsWith(prefix))?.[1] ?? path.split('/')[0];
}

function sourceFiles(folder) {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true }).map((name) => name.replaceAll('\\', '/'));
  return names.filter((name) => name.endsWith('.ts')).sort();
}

/** The name of a declaration, with that of its class; empty for the comment at the head of a file. */
function nameOf(node) {
  if (ts.isVariableStatement(node)) return node.declarationList.declarations[0].name.getText();
  const own = ts.isConstructorDeclaration(node) ? 'constructor' : (node.name?.getText() ?? '');
  const owner = ts.isClassDeclaration(node.parent) ? `${node.parent.name.text}.` : '';
  return own === '' ? '' : `${owner}${own}`;
}

/** The departures of one file, as `[name, text]`. */
function departuresOf(path, text) {
  const found = [];
  const visit = (node) => {
    for (const doc of node.jsDoc ?? []) {
      for (const tag of doc.tags ?? []) {
        if (tag.tagName.text !== 'departs') continue;
        const said = ts.getTextOfJSDocComment(tag.comment) ?? '';
        const plain = said.replace(/\{@link\s+([^}]+)\}/g, '`$1`').replace(/\s+/g, ' ');
        found.push([nameOf(node), plain.trim()]);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  return found;
}

function page() {
  const areas = new Map(AREAS.map(([, title]) => [title, []]));
  for (const name of readdirSync('packages').sort()) {
    for (const file of sourceFiles(join('packages', name, 'src'))) {
      const path = `${name}/src/${file}`;
      const found = departuresOf(path, readFileSync(join('packages', path), 'utf8'));
      if (found.length === 0) continue;
      const area = areaOf(path);
      const items = found.map(([where, what]) => `- ${where === '' ? '' : `\`${where}\`: `}${what}`);
      const section = [`### ${path.replace('/src/', ': ')}`, '', ...items, ''];
      areas.set(area, [...(areas.get(area) ?? []), ...section]);
    }
  }
  const sections = [...areas].filter(([, lines]) => lines.length > 0);
  return [
    '# Departures',
    '',
    'Where the model differs from the kernel, and why that does not matter. Generated from the `@departs` tags of',
    'the sources by `node scripts/departures.mjs`; do not edit.',
    '',
    ...sections.flatMap(([title, lines]) => [`## ${title}`, '', ...lines]),
  ].join('\n');
}

generated(PAGE, page(), 'node scripts/departures.mjs');
