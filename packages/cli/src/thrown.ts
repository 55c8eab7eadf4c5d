/** Errors that a filesystem throws where no task runs: in mkfs, mount, iget or fsck. */
import { pathToFileURL } from 'node:url';
import type { Unsearched } from '@fsport/conformance';
import { placeOf } from '@fsport/explore';

/**
 * The failure that an error of a filesystem is.
 *
 * @param error - What was thrown.
 * @param folder - Folder of the package of the filesystem.
 * @returns `null` if the error is not the filesystem's.
 */
export function thrownBy(error: unknown, folder: string): NonNullable<Unsearched['failure']> | null {
  if (!(error instanceof Error)) return null;
  const stack = error.stack ?? '';
  if (!stack.includes(folder) && !stack.includes(pathToFileURL(folder).href)) return null;
  const place = placeOf(error);
  return {
    property: 'threw',
    message: `${error.name}: ${error.message}`,
    because: place === null ? [] : [`thrown ${place}`],
  };
}
