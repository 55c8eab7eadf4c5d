/** Where in somebody's source an error came from. */

/** Frames of the model itself and of Node, which the author of a filesystem did not write. */
const FOREIGN = /[\\/](?:@fsport|packages)[\\/]core[\\/]|\(?node:|<anonymous>/;

/** One line of a stack. */
export interface Frame {
  /** The function, if it has a name. */
  readonly name: string | undefined;
  /** Path of the source file. */
  readonly path: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/** The stack of an error outside the kernel model and Node, innermost first. */
export function framesOf(error: unknown): readonly Frame[] {
  const stack = error instanceof Error ? error.stack : undefined;
  return (stack?.split('\n') ?? []).flatMap((text) => {
    const frame = /^\s+at (?:(.+) \()?(.+?):(\d+):(\d+)\)?$/.exec(text);
    if (frame === null || FOREIGN.test(text)) return [];
    const [, name, path, line, column] = frame as unknown as [
      string,
      string | undefined,
      string,
      string,
      string,
    ];
    const called = name?.replace(/ \[as .*\]$|\.next$/g, '');
    return [
      { name: called, path: path.replace(/^file:\/\//, ''), line: Number(line), column: Number(column) },
    ];
  });
}

/**
 * The innermost place of an error outside the kernel model.
 *
 * @param error - What was thrown.
 * @returns `in ext4PunchHole at src/fallocate.ts:42:10`, the same on every machine; `null` if it has no such place.
 */
export function placeOf(error: unknown): string | null {
  const [frame] = framesOf(error);
  if (frame === undefined) return null;
  const { name, path, line, column } = frame;
  const place = `${path.split(/[\\/]/).slice(-2).join('/')}:${line}:${column}`;
  return name === undefined ? `at ${place}` : `in ${name} at ${place}`;
}
