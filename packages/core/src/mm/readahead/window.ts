/**
 * The readahead policy: how large the next window is. Pure arithmetic on page counts.
 *
 * A window is `size` pages from `start`; when a reader meets the page that is `asyncSize` pages before its end, the
 * next window is read. Windows grow while reading goes on in sequence, up to `max`.
 *
 * @see mm/readahead.c (v5.14, v5.15)
 */

/** What to read next. @see `struct file_ra_state` (v5.15) */
export interface RaWindow {
  /** First page index. */
  readonly start: number;
  /** Number of pages. */
  readonly size: number;
  /** The marker is this many pages before the end. */
  readonly asyncSize: number;
}

/** The size of a first window, for a request of `size` pages. */
function initialSize(size: number, max: number): number {
  const rounded = 2 ** Math.ceil(Math.log2(size));
  if (rounded <= Math.floor(max / 32)) return rounded * 4;
  if (rounded <= Math.floor(max / 4)) return rounded * 2;
  return max;
}

/** The size of the window after one of `size` pages. */
function nextSize(size: number, max: number): number {
  if (size < Math.floor(max / 16)) return size * 4;
  if (size <= Math.floor(max / 2)) return size * 2;
  return max;
}

/**
 * The window for a reader who starts reading in sequence.
 *
 * @param index - First page wanted.
 * @param reqSize - Pages wanted, at least 1.
 * @param max - Largest window.
 * @see `get_init_ra_size()` (v5.15)
 */
export function initialWindow(index: number, reqSize: number, max: number): RaWindow {
  const size = initialSize(reqSize, max);
  return { start: index, size, asyncSize: size > reqSize ? size - reqSize : size };
}

/**
 * The window after this one: right behind it and larger; its own first page is the next marker.
 *
 * @see `get_next_ra_size()` (v5.15)
 */
export function followingWindow(window: RaWindow, max: number): RaWindow {
  const size = nextSize(window.size, max);
  return { start: window.start + window.size, size, asyncSize: size };
}

/**
 * The window for a marker that does not fit what the file remembers (several readers of one file): behind what is
 * already cached.
 *
 * @param index - Page with the marker.
 * @param gap - First page behind it that is not cached.
 * @param reqSize - Pages wanted.
 * @param max - Largest window.
 */
export function windowAfterGap(index: number, gap: number, reqSize: number, max: number): RaWindow {
  const size = nextSize(gap - index + reqSize, max);
  return { start: gap, size, asyncSize: size };
}

/**
 * The window for a miss that follows cached pages, which a sequential reader would have left.
 *
 * @param index - First page wanted.
 * @param history - Number of cached pages right before it.
 * @param reqSize - Pages wanted.
 * @param max - Largest window.
 * @returns The window, or `null`: too few for a sign.
 * @see `try_context_readahead()` (v5.15)
 */
export function contextWindow(index: number, history: number, reqSize: number, max: number): RaWindow | null {
  if (history <= reqSize) return null;
  // Back to the start of the file: most likely it is read as a whole.
  const seen = history >= index ? history * 2 : history;
  return { start: index, size: Math.min(seen + reqSize, max), asyncSize: 1 };
}

/**
 * If the reader is about to meet the marker of this window with its first page, add the next window to it at once.
 *
 * @param index - First page wanted.
 */
export function mergeNext(window: RaWindow, index: number, max: number): RaWindow {
  const { start, size, asyncSize } = window;
  if (index !== start || size !== asyncSize) return window;
  const more = nextSize(size, max);
  if (size + more <= max) return { start, size: size + more, asyncSize: more };
  return { start, size: max, asyncSize: Math.floor(max / 2) };
}
