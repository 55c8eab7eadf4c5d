/**
 * A model of how ceph uses the page cache under the capabilities of its metadata server: before (`v5.14`) and after
 * (`v5.15`) hole punching took the shared `mapping->invalidate_lock`.
 *
 * @packageDocumentation
 */
import { defineFileSystem } from '@fsport/core';
import { cephAops } from './addr.js';
import { cephFileFops } from './file.js';
import { bmap, cephFileIops, cephIget, fsck, mkfs, mount, TYPE } from './super.js';

/** The model of ceph. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  ports: [
    {
      of: '730633f0b7f9',
      kernel: '057ba5b24532',
      since: 'v5.15',
      title: 'ceph: Fix race between hole punch and page fault',
    },
  ],
  supports: {
    write: true,
    mmap: true,
    truncate: true,
    writeback: true,
    punchHole: true,
    readahead: true,
    remote: true,
  },
  mkfs,
  mount,
  iget: cephIget,
  bmap,
  fsck,
  aOps: cephAops,
  iOps: cephFileIops,
  fOps: cephFileFops,
});
