/**
 * A model of how cifs uses the page cache against an SMB3 server: before (`v5.14`) and after (`v5.15`) hole punching took
 * the shared `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem } from '@fsport/core';
import {
  bmap,
  cifsAddrOps,
  cifsFileInodeOps,
  cifsFileStrictOps,
  cifsIget,
  fsck,
  mkfs,
  mount,
  TYPE,
} from './cifsfs.js';

/** The model of cifs. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: 'b092b3efc7cb',
      since: 'v5.15',
      title: 'cifs: Fix race between hole punch and page fault',
    },
  ],
  supports: {
    write: true,
    mmap: true,
    truncate: true,
    writeback: true,
    punchHole: true,
    zeroRange: true,
    collapseRange: true,
    insertRange: true,
    clone: true,
    readahead: true,
    remote: true,
  },
  mkfs,
  mount,
  iget: cifsIget,
  bmap,
  fsck,
  aOps: cifsAddrOps,
  iOps: cifsFileInodeOps,
  fOps: cifsFileStrictOps,
});
