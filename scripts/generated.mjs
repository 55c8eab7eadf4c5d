// A page that is made from something else: written, or with --check compared, and then the status says whether it is
// current.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * Write or compare a page.
 *
 * @param page - Its path.
 * @param now - What it should say.
 * @param command - What writes it.
 */
export function generated(page, now, command) {
  if (!process.argv.includes('--check')) {
    writeFileSync(page, now);
  } else if (!existsSync(page) || readFileSync(page, 'utf8') !== now) {
    console.error(`${page} is not what it is made from says. Run: ${command}`);
    process.exitCode = 1;
  }
}

/** A table in Markdown. */
export function table(head, rows) {
  const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}
