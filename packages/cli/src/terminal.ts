/** How text is written to where the output goes. */
import type { TextOptions } from '@fsport/report';

/**
 * Colours on a terminal only, and not if the user has set `NO_COLOR`.
 *
 * @param times - With the times of checks?
 */
export function textOptions(times = true): TextOptions {
  const plain = process.env['NO_COLOR'] ?? '';
  return { color: process.stdout.isTTY === true && plain === '', times };
}
