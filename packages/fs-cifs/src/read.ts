/**
 * Filling pages from the server.
 *
 * The caller holds invalidate_lock shared (v5.15), until the reply is there for one page, until the requests are sent for
 * several: those stay locked until their reply arrives.
 *
 * @see fs/cifs/file.c (v5.14, v5.15)
 */
import {
  type AddressSpace,
  addToPageCacheLru,
  type File,
  type Inode,
  type Page,
  putPage,
  receivePage,
  type ServedBlock,
  sendMessage,
  serverRead,
  type Task,
} from '@fsport/core';
import { CIFS_I } from './cifsglob.js';
import { SMB2_read } from './smb2pdu.js';

/**
 * Fill a locked page, and wait for it.
 *
 * @returns `0`, or an errno.
 * @context Sleeps. Page lock held; it is gone on return.
 * @see `cifs_readpage()`, `cifs_readpage_worker()` (v5.14, v5.15)
 */
export function* cifsReadpage(_file: File | null, page: Page): Task<number> {
  const inode = page.mapping.load()?.host as Inode;
  const reply = yield* SMB2_read(inode, [page]);
  yield* receivePage(CIFS_I(inode).server, page, 0, reply);
  return typeof reply === 'number' ? reply : 0;
}

/**
 * Insert pages, locked, and ask for them: one request for each run of pages that follow one another.
 *
 * @context Sleeps. Takes page locks, and hands them to whoever receives the reply.
 * @departs A page that somebody else inserts meanwhile is passed over like one that was there before; the kernel gives up
 *   what comes after it, which is only read later then.
 * @see `cifs_readpages()`, `readpages_get_pages()` (v5.14, v5.15)
 */
export function* cifsReadpages(_file: File | null, mapping: AddressSpace, pages: Page[]): Task<void> {
  let run: Page[] = [];
  for (let page = pages.shift(); page !== undefined; page = pages.shift()) {
    if ((yield* addToPageCacheLru(page, mapping, page.index)) === 0) {
      run.push(page);
      continue;
    }
    putPage(page);
    if (run.length > 0) yield* askFor(mapping.host, run);
    run = [];
  }
  if (run.length > 0) yield* askFor(mapping.host, run);
}

function askFor(inode: Inode, pages: readonly Page[]): Task<void> {
  const { server } = CIFS_I(inode);
  for (const page of pages) page.lock.handOff();
  return sendMessage({
    verb: 'SMB2_READ',
    serve: () => serverRead(server, pages),
    receive: (reply) => cifsReadvComplete(inode, pages, reply),
  });
}

/** @context In the worker that takes the reply in. @see `cifs_readv_complete()` (v5.15) */
function* cifsReadvComplete(
  inode: Inode,
  pages: readonly Page[],
  reply: readonly ServedBlock[] | number,
): Task<void> {
  for (const [nth, page] of pages.entries()) {
    yield* receivePage(CIFS_I(inode).server, page, nth, reply);
    putPage(page);
  }
}
