/**
 * Make files at a server, mount it, check it.
 *
 * The device is the disk of the server, and what is left of it the window. mkfs leaves the files in `bdev.meta`; mount opens
 * all of them.
 *
 * @see fs/fuse/inode.c, fs/fuse/virtio_fs.c (v5.14, v5.15)
 */
import {
  type AddressSpaceOperations,
  type BlockDevice,
  type BlockPlace,
  checkServerFile,
  type FileSpec,
  Inode,
  layServerFile,
  type MountOptions,
  type ServerInode,
  SharedCounter,
  SharedVar,
  SuperBlock,
  setDax,
} from '@fsport/core';
import { fuseDaxWritepages } from './dax.js';
import { fuseDoSetattr } from './dir.js';
import { fuseFileOperations, fuseReadpage, fuseWriteBegin, fuseWriteEnd } from './file.js';
import {
  type DaxMapping,
  FUSE_IS_DAX,
  type FuseConnDax,
  FuseInode,
  fuseConnDax,
  fuseInodeDax,
  getFuseInode,
  type Ranges,
  TYPE,
} from './fuse-i.js';
import { FuseServerFile } from './server.js';
import { fuseLaunderPage, fuseWritepage, fuseWritepages } from './writeback.js';

/** Ranges of the window: enough for a few tasks at once, and fewer than a long file wants. */
const NR_RANGES = 5;

/** Page-cache operations. @see fs/fuse/file.c `fuse_file_aops` (v5.15) */
export const fuseFileAops = {
  readpage: fuseReadpage,
  writepage: fuseWritepage,
  writepages: fuseWritepages,
  writeBegin: fuseWriteBegin,
  writeEnd: fuseWriteEnd,
  launderPage: fuseLaunderPage,
} satisfies AddressSpaceOperations;

/** Page-cache operations of a DAX file. @see fs/fuse/dax.c `fuse_dax_file_aops` (v5.15) */
const FUSE_DAX_FILE_AOPS: AddressSpaceOperations = { writepages: fuseDaxWritepages };

/** @see fs/fuse/dir.c `fuse_common_inode_operations` (v5.15) */
export const fuseInodeOperations = { setattr: fuseDoSetattr };

/** Make files at a server. */
export function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  bdev.meta = files.map((spec) => layServerFile(bdev, spec));
}

/** The window: blocks of the device that no file has. @see fs/fuse/dax.c `fuse_dax_mem_range_init()` (v5.15) */
function newWindow(bdev: BlockDevice): FuseConnDax {
  const free = bdev.freeBlocks
    .peek()
    .slice(0, NR_RANGES)
    .map((phys): DaxMapping => ({ phys, refcnt: new SharedCounter('fuse_dax_mapping.refcnt', 1, phys) }));
  const fcd = new SharedVar<Ranges>('fuse_conn_dax', { free, busy: [], working: false });
  fcd.show = (ranges) => `${ranges.free.length} free`;
  return fcd;
}

/** Mount it: nothing cached, nothing in the window. */
export function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const sb = new SuperBlock(TYPE, profile, bdev, newWindow(bdev), {
    // Of a file with a page cache pages are dropped without invalidate_lock.
    exempt: { truncate_inode_pages_range: 'invalidate_lock' },
  });
  for (const file of bdev.meta as readonly ServerInode[]) {
    const { ino, size, dax = true } = file.spec;
    const ops = {
      aOps: dax ? FUSE_DAX_FILE_AOPS : fuseFileAops,
      iOp: fuseInodeOperations,
      iFop: fuseFileOperations,
    };
    const inode = new Inode(sb, ino, ops, new FuseInode(new FuseServerFile(bdev, file), dax));
    inode.iSize.init(size);
    if (dax) setDax(inode);
  }
  return sb;
}

/** Where a block of a file is, for checkers: at the server, or in the window. */
export function bmap(inode: Inode, iblock: number): BlockPlace {
  return { state: 'mapped', phys: getFuseInode(inode).server.peekPhys(iblock) };
}

/** Client and server agree on the sizes, nothing is on its way, and every range is where it is said to be. */
export function fsck(sb: SuperBlock): readonly string[] {
  const found: string[] = [];
  const { free, busy } = fuseConnDax(sb).peek();
  for (const inode of sb.inodes.values()) {
    const { server, writes } = getFuseInode(inode);
    const { nowrite, sent, queued } = writes.peek();
    found.push(...checkServerFile(server, inode.iSize.peek()));
    if (nowrite || sent.length + queued.length > 0)
      found.push(`inode ${inode.iIno} does not write, or is still writing, with nothing in progress`);
  }
  for (const { dmap, inode, index } of busy) {
    const held = fuseInodeDax(inode).tree.at(index).peek() === dmap;
    if (!FUSE_IS_DAX(inode) || !held || getFuseInode(inode).server.peekPhys(index) !== dmap.phys)
      found.push(`range ${dmap.phys} is busy, but not with page ${index} of inode ${inode.iIno}`);
  }
  for (const { phys, refcnt } of [...free, ...busy.map(({ dmap }) => dmap)])
    if (refcnt.peek() !== 1)
      found.push(`range ${phys} is counted ${refcnt.peek()} times, and nobody uses it`);
  return found;
}
