/** Lines of a registry that a scaffold adds. */

/**
 * Insert something where a text has a place for it.
 *
 * @param text - The text.
 * @param place - What is there: before, the part that changes, after.
 * @param change - What becomes of that part.
 * @throws Error if the text has no such place: the scaffold has not kept up with it.
 */
export function inserted(text: string, place: RegExp, change: (found: string) => string): string {
  if (!place.test(text)) throw new Error(`no place for the new line: ${place.source}`);
  return text.replace(place, (_, before: string, found: string, after: string) => {
    return `${before}${change(found)}${after}`;
  });
}

/**
 * Import something from a module beside, in the order of the paths.
 *
 * @param text - A module that imports others beside it.
 * @param name - What to import.
 * @param path - `./module.js`.
 */
export function withImport(text: string, name: string, path: string): string {
  const lines = text.split('\n');
  const beside = [...lines.entries()].flatMap(([at, line]) => {
    const found = /^import .* from '(\.\/[^']+)';$/.exec(line);
    return found === null ? [] : [{ at, path: found[1] as string }];
  });
  const last = beside.at(-1);
  if (last === undefined) throw new Error('no place for the new import');
  const at = beside.find((one) => one.path > path)?.at ?? last.at + 1;
  return lines.toSpliced(at, 0, `import { ${name} } from '${path}';`).join('\n');
}
