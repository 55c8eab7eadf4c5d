/**
 * A filesystem that passes the conformance suite and can do no less than this: files can be read. It is where a new
 * filesystem begins.
 *
 * It claims nothing, so the suite tests that reading is right and that everything else is refused. Claim one
 * operation in `supports`, add it to the tables below, make the suite pass, go on with the next.
 *
 * What is shared between tasks is the page cache, which the generic code looks after, and the block map. The map
 * never changes here; it is read through a scheduling point all the same, so that it will be right once it does.
 *
 * @see fs/ramfs/, fs/romfs/super.c (v5.15)
 * @packageDocumentation
 */
import {
  type BlockDevice,
  type BlockMapping,
  type BlockPlace,
  defineFileSystem,
  type File,
  type FileOperations,
  type FileSpec,
  genericFileReadIter,
  Inode,
  inodeByNumber,
  layBlock,
  letterCells,
  type MountOptions,
  machine,
  mpageReadpage,
  type Page,
  phys,
  SharedArray,
  SuperBlock,
  type Task,
} from '@fsport/core';

const TYPE = 'minimal';

/** Nothing on disk: reads as zeroes. */
const HOLE: BlockMapping = {
  mapped: false,
  phys: phys(-1),
  gen: -1,
  new: false,
  unwritten: false,
  delay: false,
};

/** A file on a disk that is not mounted: what mkfs leaves in `bdev.meta`. */
interface DiskInode {
  readonly spec: FileSpec;
  readonly blocks: readonly BlockMapping[];
}

/** What the filesystem keeps for each inode: block in the file -> block on disk. */
interface MinimalInodeInfo {
  readonly map: SharedArray<BlockMapping>;
}

/** Where is a block of a file? One look at the map. */
function minimalGetBlock(inode: Inode, iblock: number): Task<BlockMapping> {
  return (inode.info as MinimalInodeInfo).map.at(iblock).read('minimal_get_block');
}

/** Fill a locked page: zeroes for what is not on disk, a request for what is. It is unlocked when that has ended. */
function minimalReadpage(_file: File | null, page: Page): Task<number> {
  return mpageReadpage(page, minimalGetBlock);
}

const aOps = { readpage: minimalReadpage };
const iOps = {};
const fOps: FileOperations = { readIter: genericFileReadIter };

function mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void {
  const { blockSize } = machine;
  bdev.meta = files.map((spec): DiskInode => {
    const blocks = spec.blocks.map((block, i) => {
      if (typeof block === 'string') return HOLE; // unwritten blocks read as zeroes too
      const cells = letterCells(spec.ino, i * blockSize, spec.size, block.data);
      return { ...HOLE, mapped: true, phys: layBlock(bdev, spec.ino, cells), gen: 0 };
    });
    return { spec, blocks };
  });
}

function showMapping({ mapped, phys: block }: BlockMapping): string {
  return mapped ? `block ${block}` : 'hole';
}

function mount(bdev: BlockDevice, { profile }: MountOptions): SuperBlock {
  const sb = new SuperBlock(TYPE, profile, bdev, null, {});
  for (const { spec, blocks } of bdev.meta as readonly DiskInode[]) {
    const map = new SharedArray('map', (i) => blocks[i] ?? HOLE, showMapping, spec.ino);
    const inode = new Inode<MinimalInodeInfo>(sb, spec.ino, { aOps, iOp: iOps, iFop: fOps }, { map });
    inode.iSize.init(spec.size);
  }
  return sb;
}

function bmap(inode: Inode, iblock: number): BlockPlace {
  const { mapped, phys: block } = (inode.info as MinimalInodeInfo).map.at(iblock).peek();
  return { state: mapped ? 'mapped' : 'hole', phys: block };
}

/** Every block in a map belongs to that file. */
function fsck(sb: SuperBlock): readonly string[] {
  const found: string[] = [];
  for (const { iIno, info } of sb.inodes.values()) {
    for (const [iblock, { mapped, phys: block }] of (info as MinimalInodeInfo).map.peekAll()) {
      if (mapped && sb.sBdev.blocks.at(block).peek().owner !== iIno) {
        found.push(`block ${iblock} of inode ${iIno} is disk block ${block}, which is not its own`);
      }
    }
  }
  return found;
}

/** The model. */
export default defineFileSystem({
  name: TYPE,
  follows: ['v5.14', 'v5.15'],
  supports: {},
  mkfs,
  mount,
  iget: inodeByNumber,
  bmap,
  fsck,
  aOps,
  iOps,
  fOps,
});
