// A filesystem to be broken in one place. Files can be read; everything else a test brings along itself: what
// fallocate(2) does, what fadvise(2) does, how a page is read. The file of the checks is one page of one block.

import {
  type AddressSpaceOperations,
  type BlockDevice,
  type BlockMapping,
  type File,
  type FileOperations,
  type FileSpec,
  type FileSystemType,
  freeBlock,
  genericFileReadIter,
  Inode,
  type InodeOperations,
  type IovIter,
  iSizeRead,
  type Kiocb,
  layBlock,
  letterCells,
  machine,
  mpageReadpage,
  type Page,
  phys,
  SharedArray,
  SuperBlock,
  type Supports,
  type Task,
  zeroCells,
} from '@fsport/core';
import type { Check, Op } from '../index.js';

/** Nothing on disk. */
export const HOLE: BlockMapping = {
  mapped: false,
  phys: phys(-1),
  gen: -1,
  new: false,
  unwritten: false,
  delay: false,
};

/** What a test replaces. */
export interface Parts {
  readonly supports?: Supports;
  readonly aOps?: Partial<AddressSpaceOperations>;
  readonly iOps?: InodeOperations;
  readonly fOps?: Partial<FileOperations>;
  /** What fallocate(2) does. */
  readonly fallocate?: (inode: Inode, file: File) => Task<number>;
  /** What fadvise(2) does. */
  readonly fadvise?: (inode: Inode, file: File) => Task<number>;
  /** Called by mount. */
  readonly mounted?: () => void;
}

interface DiskInode {
  readonly spec: FileSpec;
  readonly blocks: readonly BlockMapping[];
}

/** Block in the file -> block on disk. */
export function mapOf(inode: Inode): SharedArray<BlockMapping> {
  return inode.info as SharedArray<BlockMapping>;
}

/** Look a block up. */
export function getBlock(inode: Inode, iblock: number): Task<BlockMapping> {
  return mapOf(inode).at(iblock).read('get_block');
}

/** Take a block out of the map and free it. */
export function* takeBlock(inode: Inode, iblock: number): Task<void> {
  const { phys } = mapOf(inode).at(iblock).peek();
  yield* mapOf(inode).at(iblock).write(HOLE, 'remove_block');
  yield* freeBlock(inode.iSb.sBdev, inode.iIno, phys);
}

/** Read without the page cache: look each block up, and take from the disk what is there. */
export function* uncachedRead(iocb: Kiocb, iter: IovIter): Task<number> {
  const { fInode: inode } = iocb.kiFilp;
  const size = yield* iSizeRead(inode);
  const last = Math.min(size, iocb.kiPos + iter.count);
  let pos: number = iocb.kiPos;
  while (pos < last) {
    const { blockSize } = machine;
    const block = Math.floor(pos / blockSize);
    const found = yield* getBlock(inode, block);
    const cells = found.mapped
      ? (yield* inode.iSb.sBdev.blocks.at(found.phys).read('read_block')).cells
      : zeroCells(blockSize);
    const piece = cells.slice(pos - block * blockSize, Math.min(blockSize, last - block * blockSize));
    iter.cells.push(piece);
    pos += piece.length;
  }
  return Math.max(0, last - iocb.kiPos);
}

/** Build the filesystem. */
export function fixture(parts: Parts = {}): FileSystemType {
  const { fallocate, fadvise } = parts;
  const aOps = {
    readpage: (_: File | null, page: Page) => mpageReadpage(page, getBlock),
    ...parts.aOps,
  };
  const iOps = parts.iOps ?? {};
  const fOps: FileOperations = {
    readIter: genericFileReadIter,
    ...(fallocate === undefined ? {} : { fallocate: (file: File) => fallocate(file.fInode, file) }),
    ...(fadvise === undefined ? {} : { fadvise: (file: File) => fadvise(file.fInode, file) }),
    ...parts.fOps,
  };
  return {
    name: 'fixture',
    follows: ['v5.14', 'v5.15'],
    supports: parts.supports ?? {},
    aOps,
    iOps,
    fOps,
    mkfs(bdev: BlockDevice, files: readonly FileSpec[]) {
      bdev.meta = files.map((spec): DiskInode => {
        const blocks = spec.blocks.map((block, i) => {
          if (typeof block === 'string') return HOLE;
          const cells = letterCells(spec.ino, i * machine.blockSize, spec.size, block.data);
          return { ...HOLE, mapped: true, phys: layBlock(bdev, spec.ino, cells), gen: 0 };
        });
        return { spec, blocks };
      });
    },
    mount(bdev, { profile }) {
      parts.mounted?.();
      const sb = new SuperBlock('fixture', profile, bdev, null, {});
      for (const { spec, blocks } of bdev.meta as readonly DiskInode[]) {
        const map = new SharedArray<BlockMapping>('map', (i) => blocks[i] ?? HOLE, undefined, spec.ino);
        new Inode(sb, spec.ino, { aOps, iOp: iOps, iFop: fOps }, map).iSize.init(spec.size);
      }
      return sb;
    },
    iget: (sb, ino) => sb.inodes.get(ino) as Inode,
    bmap(inode, iblock) {
      const { mapped, phys: block } = mapOf(inode).at(iblock).peek();
      return { state: mapped ? 'mapped' : 'hole', phys: block };
    },
    fsck: (sb) =>
      [...sb.inodes.values()].flatMap((inode) =>
        [...mapOf(inode).peekAll()]
          .filter(([, { mapped, phys: at }]) => mapped && sb.sBdev.blocks.at(at).peek().owner !== inode.iIno)
          .map(([iblock]) => `block ${iblock} of inode ${inode.iIno} is not its own`),
      ),
  };
}

/** Calls that checks of the fixture make. `ALLOCATE` and `ADVISE` must not change the file, whatever runs in them. */
export const READ: Op = { op: 'pread', pos: 0, len: 8 };
export const PUNCH: Op = { op: 'fallocate', mode: 'punch', pos: 0, len: 8 };
export const ALLOCATE: Op = { op: 'fallocate', mode: 'allocate', pos: 0, len: 8 };
export const ADVISE: Op = { op: 'fadvise', advice: 'WILLNEED', pos: 0, len: 8 };
export const LOAD: Op = { op: 'load', pos: 0 };
export const STORE: Op = { op: 'store', pos: 0, data: 'x' };

/** A check of one page, judged by everything. */
export function checkOf(tasks: readonly (readonly Op[])[], rest: Partial<Check> = {}): Check {
  return {
    id: 'self/check',
    summary: 'A check of the fixture.',
    groups: ['quick'],
    requires: {},
    rows: [],
    pair: null,
    geometry: { name: 'page', pageSize: 8, blockSize: 8 },
    raPages: 0,
    files: [{ ino: 12, size: 8, blocks: [{ data: 'A' }] }],
    setUp: [],
    tasks: tasks.map((ops, i) => ({ letter: 'abc'.charAt(i), ops })),
    checkers: [
      'stale-data',
      'corruption',
      'stale-pte',
      'lost-zeroing',
      'lost-write',
      'lock-discipline',
      'lock-order',
      'refcount',
      'fsck',
    ],
    faults: {},
    fair: false,
    fixedBy: [],
    see: '',
    ...rest,
  };
}
