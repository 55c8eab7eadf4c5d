/** Where in somebody's source an error came from. */

/** Frames of the model itself and of Node, which the author of a filesystem did not write. */
const FOREIGN = /[\\/](?:@fsport|packages)[\\/]core[\\/]|\(?node:|<anonymous>/;

/**
 * The innermost place of an error outside the kernel model.
 *
 * @param error - What was thrown.
 * @returns `in ext4PunchHole at src/fallocate.ts:42:10`, the same on every machine; `null` if it has no such place.
 */
export function placeOf(error: unknown): string | null {
  const stack = error instanceof Error ? error.stack : undefined;
  for (const line of stack?.split('\n') ?? []) {
    const frame = /^\s+at (?:(.+) \()?(.+?:\d+:\d+)\)?$/.exec(line);
    if (frame === null || FOREIGN.test(line)) continue;
    const [, name, path] = frame as unknown as [string, string | undefined, string];
    const place = path.split(/[\\/]/).slice(-2).join('/');
    const called = name?.replace(/ \[as .*\]$|\.next$/g, '');
    return called === undefined ? `at ${place}` : `in ${called} at ${place}`;
  }
  return null;
}
