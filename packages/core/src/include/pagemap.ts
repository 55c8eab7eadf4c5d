/** A readahead request on its way to the filesystem. @see include/linux/pagemap.h (v5.15) */
import type { AddressSpace, File } from './fs.js';
import type { Page } from './mm-types.js';
import type { Pgoff } from './units.js';

/** Consecutive pages to be read, locked and in the cache. @see `struct readahead_control` (v5.15) */
export interface ReadaheadControl {
  /** The file whose readahead state is used, or `null`. */
  readonly file: File | null;
  /** Whose cache. */
  readonly mapping: AddressSpace;
  /** Index of the first page. */
  index: Pgoff;
  /** The pages, in order. What the filesystem takes (readaheadPage()) is its to unlock and put. */
  pages: Page[];
}

/** Take the next page of a request: the caller must unlock and put it. @see `readahead_page()` (v5.15) */
export function readaheadPage(rac: ReadaheadControl): Page | null {
  return rac.pages.shift() ?? null;
}
