/**
 * A disk: blocks with an owner and a generation, and requests whose submission and completion are separate
 * steps.
 *
 * A block's generation grows each time it is freed, so "freed and reused in between" can be told from
 * "still the same". With hostile reuse (the default) a freed block belongs to a stranger at once, who fills
 * it with a secret; it does not come back to the pool. A request runs as a task of its own.
 *
 * Inodes can share a block ({@link shareBlock}): each of them may read it, none may write to it, and it is freed with
 * the last of them.
 *
 * @departs One step stands for the whole transfer of a block: real DMA is not atomic, but a block is the
 *   smallest unit that any checker looks at.
 */
import { ContractError, UsageError } from '../errors.js';
import { EIO, ENOSPC } from '../include/errno.js';
import type { Page } from '../include/mm-types.js';
import { type Phys, phys } from '../include/units.js';
import { machine } from '../machine.js';
import { type Cells, fillCells, showCells, spliceCells, zeroCells } from '../provenance.js';
import { LOCAL } from '../sched/access.js';
import { current } from '../sched/current.js';
import { SharedArray, SharedVar } from '../sched/shared-var.js';
import { choose, Step, type Task } from '../sched/task.js';
import type { TraceEvents } from '../trace.js';

/** Owner of blocks nobody owns. */
export const FREE = 0;
/** Owner of blocks that somebody else got after they were freed. */
export const STRANGER = -1;

/** State of one disk block. Never changed in place. */
export interface DiskBlock {
  /** Inode number, {@link FREE} or {@link STRANGER}. */
  readonly owner: number;
  /** Inodes that share it with its owner, each as often as it maps it: the reference count is one more. */
  readonly sharers: readonly number[];
  /** How often it was freed. */
  readonly gen: number;
  /** Content. */
  readonly cells: Cells;
  /** Writes in flight. */
  readonly writes: number;
  /** Page-table entries that point here, if the disk is memory. @see `page->_mapcount` (v5.15) */
  readonly mapped: number;
  /** Who else uses it as memory: devices. @see `page->_refcount`, less the one that a page of ZONE_DEVICE always has (v5.15) */
  readonly pins: number;
  /** No file maps it any more, and nobody can have it yet: see {@link detachBlock}. */
  readonly detached?: boolean;
}

/** One block of a request. */
export interface BioVec {
  /** Page in memory. */
  readonly page: Page;
  /** Block within the page. */
  readonly block: number;
  /** Block on disk. */
  readonly phys: Phys;
  /** Its generation when the block map was looked up. */
  readonly gen: number;
}

/** A request. @see `struct bio` (v5.15) */
export interface Bio {
  /** Read or write. */
  readonly rw: 'R' | 'W';
  /** Inode on whose behalf it runs. */
  readonly ino: number;
  /** What to transfer. */
  readonly vecs: readonly BioVec[];
  /** Runs in the completion, with `0` or `-EIO`. */
  readonly endIo: (error: number) => Task<void>;
}

/** A disk. */
export class BlockDevice {
  /** The blocks. */
  readonly blocks: SharedArray<DiskBlock>;
  /** Blocks that can be allocated, lowest first; changed under the group lock, in one step. */
  readonly freeBlocks: SharedVar<readonly Phys[]>;
  /** Number of blocks. */
  readonly nrBlocks: number;
  /** What mkfs leaves for mount: the layout of the files. It belongs to the filesystem on the disk. */
  meta: unknown = null;

  /** @param nrBlocks - Size of the disk, blocks. */
  constructor(nrBlocks: number) {
    const garbage = machine.origins.add({
      kind: 'secret',
      text: 'left on the disk by a former owner',
      ino: 0,
    });
    const cells = fillCells(machine.blockSize, '?'.charCodeAt(0), garbage);
    this.nrBlocks = nrBlocks;
    this.blocks = new SharedArray<DiskBlock>(
      'disk',
      () => ({ owner: FREE, sharers: [], gen: 0, cells, writes: 0, mapped: 0, pins: 0 }),
      showBlock,
    );
    this.freeBlocks = new SharedVar<readonly Phys[]>(
      'block_bitmap',
      Array.from({ length: nrBlocks }, (_, i) => phys(i)),
    );
    this.freeBlocks.show = (free) => `${free.length} free`;
    machine.disks.push(this);
  }
}

/**
 * Give a file its next block on an empty disk: for mkfs, during set-up.
 *
 * @param bdev - The disk.
 * @param ino - Who gets it.
 * @param cells - Its content; what is left out is zero. By default what a former owner left.
 * @returns The block.
 * @throws UsageError `BAD_OPTION` if the disk is full.
 */
export function layBlock(bdev: BlockDevice, ino: number, cells?: Cells): Phys {
  const [block, ...rest] = bdev.freeBlocks.peek();
  if (block === undefined) {
    const { nrBlocks } = bdev;
    throw new UsageError('BAD_OPTION', { nrBlocks }, `The files do not fit on a disk of ${nrBlocks} blocks.`);
  }
  bdev.freeBlocks.init(rest);
  const variable = bdev.blocks.at(block);
  const disk = variable.peek();
  const content = cells === undefined ? disk.cells : spliceCells(zeroCells(machine.blockSize), 0, cells);
  variable.init({ ...disk, owner: ino, cells: content });
  return block;
}

/**
 * The content of a block that mkfs fills with a letter, up to the end of the file.
 *
 * @param ino - The file.
 * @param pos - Where the block is in the file, bytes.
 * @param size - Size of the file, bytes.
 * @param letter - The letter.
 */
export function letterCells(ino: number, pos: number, size: number, letter: string): Cells {
  const text = `"${letter}" written to inode ${ino} at byte ${pos} by mkfs`;
  const origin = machine.origins.add({ kind: 'write', text, ino });
  const length = Math.max(0, Math.min(machine.blockSize, size - pos));
  return fillCells(length, letter.charCodeAt(0), origin);
}

function showBlock(block: DiskBlock): string {
  const owner =
    block.owner === FREE ? 'free' : block.owner === STRANGER ? 'a stranger' : `inode ${block.owner}`;
  return `${showCells(block.cells)} of ${owner}`;
}

/**
 * Allocate the lowest free block. Its content is what the former owner left.
 *
 * @param bdev - The disk.
 * @param ino - Who gets it.
 * @param verb - The filesystem's function, in kernel spelling.
 * @returns The block, or `-ENOSPC`.
 * @context May be preempted. One step under the group lock.
 * @departs The block has its owner in the step that takes it from the bitmap. Whose a block is only checkers ask, and
 *   between the two it is nobody else's.
 */
export function newBlock(bdev: BlockDevice, ino: number, verb = 'ext4_mb_new_blocks'): Task<Phys | number> {
  return bdev.freeBlocks.section(
    verb,
    () => takeBlock(bdev, ino),
    (block) => (block < 0 ? '-ENOSPC' : `block ${block}`),
  );
}

/**
 * Allocate the lowest free block as part of the step in progress: for who does so under a lock that covers more.
 *
 * @returns The block, or `-ENOSPC`.
 */
export function takeBlock(bdev: BlockDevice, ino: number): Phys | number {
  const [block, ...rest] = bdev.freeBlocks.load();
  if (block === undefined) return -ENOSPC;
  bdev.freeBlocks.store(rest);
  const disk = bdev.blocks.at(block);
  disk.store({ ...disk.load(), owner: ino });
  return block;
}

/**
 * Free a block, or what an inode has of it if it is shared. With hostile reuse a stranger owns a block from the instant
 * that it is freed.
 *
 * @param bdev - The disk.
 * @param ino - Who frees it.
 * @param block - The block.
 * @param verb - The filesystem's function, in kernel spelling.
 * @context May be preempted. One step under the group lock.
 * @departs The stranger has the block, and has written to it, in the step that frees it: nobody could be sooner. Who
 *   writes later shows the same, because the generation tells that the block was freed.
 */
export function freeBlock(
  bdev: BlockDevice,
  ino: number,
  block: Phys,
  verb = 'ext4_free_blocks',
): Task<void> {
  return bdev.blocks.at(block).section(
    verb,
    () => dropBlock(bdev, ino, block),
    () => `block ${block}`,
  );
}

/**
 * Take a block out of a file that will be freed later: it waits in a log. A request that was submitted before may still end,
 * because the block is nobody else's yet; who submits a write now writes to what is no file's. Joins the step in progress.
 *
 * @param bdev - The disk.
 * @param block - The block; not shared.
 */
export function detachBlock(bdev: BlockDevice, block: Phys): void {
  const variable = bdev.blocks.at(block);
  variable.store({ ...variable.load(), detached: true });
}

/** Free a block, or what an inode has of it, as part of the step in progress. See {@link freeBlock}. */
export function dropBlock(bdev: BlockDevice, ino: number, block: Phys): void {
  const variable = bdev.blocks.at(block);
  const disk = variable.load();
  if (disk.sharers.length > 0) {
    const [owner, ...sharers] = withoutOne(disk, ino, block);
    variable.store({ ...disk, owner: owner as number, sharers });
    return;
  }
  const { writes, mapped, pins } = disk;
  machine.observer.blockFreed?.({ ino, phys: block, writes, mapped, pins });
  variable.store(
    machine.config.hostileReuse
      ? stolen(disk, block)
      : { ...disk, owner: FREE, gen: disk.gen + 1, detached: false },
  );
  if (!machine.config.hostileReuse)
    bdev.freeBlocks.store([...bdev.freeBlocks.load(), block].sort((a, b) => a - b));
}

/** Whose a block is: its owner and those who share it; nobody's if it is free or a stranger's. */
export function ownersOf({ owner, sharers }: DiskBlock): readonly number[] {
  return owner > 0 ? [owner, ...sharers] : [];
}

/** The owners of a block after one of them let go of it once. */
function withoutOne(disk: DiskBlock, ino: number, block: Phys): readonly number[] {
  const owners = ownersOf(disk);
  const at = owners.indexOf(ino);
  if (at < 0) throw new ContractError('BLOCK_STATE', { ino, phys: block, owner: disk.owner });
  return owners.toSpliced(at, 1);
}

/**
 * Let an inode share a block that belongs to somebody, who may be itself.
 *
 * @param bdev - The disk.
 * @param ino - Who maps it from now on too.
 * @param block - The block.
 * @throws ContractError `BLOCK_STATE` if it belongs to nobody.
 * @context May be preempted. One step under the lock of what counts the references.
 * @see fs/xfs/libxfs/xfs_refcount.c `xfs_refcount_increase_extent()` (v5.15)
 */
export function shareBlock(bdev: BlockDevice, ino: number, block: Phys): Task<void> {
  const variable = bdev.blocks.at(block);
  return variable.section(
    'xfs_refcount_increase_extent',
    () => {
      const disk = variable.load();
      if (disk.owner <= 0) throw new ContractError('BLOCK_STATE', { ino, phys: block, owner: disk.owner });
      variable.store({ ...disk, sharers: [...disk.sharers, ino] });
    },
    () => `block ${block}`,
  );
}

/**
 * Let one inode have what another has of a block. Joins the step in progress.
 *
 * @param bdev - The disk.
 * @param from - Who has it.
 * @param to - Who gets it.
 * @param block - The block.
 * @throws ContractError `BLOCK_STATE` if `from` has nothing of it.
 */
export function giveBlock(bdev: BlockDevice, from: number, to: number, block: Phys): void {
  const variable = bdev.blocks.at(block);
  const disk = variable.load();
  const [owner, ...sharers] = [...withoutOne(disk, from, block), to];
  variable.store({ ...disk, owner: owner as number, sharers });
}

function stolen(disk: DiskBlock, block: Phys): DiskBlock {
  const secret = machine.origins.add({
    kind: 'secret',
    text: `content of another file, which got block ${block} when it was freed`,
    ino: STRANGER,
  });
  return {
    ...disk,
    owner: STRANGER,
    gen: disk.gen + 1,
    detached: false,
    cells: fillCells(disk.cells.length, '#'.charCodeAt(0), secret),
  };
}

/** Announces a read request; touches nothing shared. */
class SubmitRead extends Step<void> {
  readonly #vecs: readonly BioVec[];
  constructor(bdev: BlockDevice, vecs: readonly BioVec[]) {
    super(bdev.blocks.at((vecs[0] as BioVec).phys), LOCAL, 'submit_bio');
    this.#vecs = vecs;
  }
  protected perform(): void {}
  override describe(): string {
    return this.#vecs.length === 1 ? 'read' : `read ${this.#vecs.length} blocks`;
  }
}

/**
 * Start a request. Its completion is a task of its own.
 *
 * @param bdev - The disk.
 * @param bio - The request; must have at least one block.
 * @context May be preempted. Does not wait for the completion.
 * @departs The completion comes into being in the last step of the submission; it takes its own first step when it
 *   likes.
 * @see block/blk-core.c `submit_bio()` (v5.15)
 */
export function* submitBio(bdev: BlockDevice, bio: Bio): Task<void> {
  if (bio.rw === 'R') yield* new SubmitRead(bdev, bio.vecs);
  else for (const vec of bio.vecs) yield* submitWrite(bdev, bio, vec);
  if (machine.trace.active) machine.trace.emit('block_bio_queue', blockEvent(bio));
  current.spawn(bio.rw === 'R' ? 'read completion' : 'write completion', transfer(bdev, bio));
}

function submitWrite(bdev: BlockDevice, bio: Bio, vec: BioVec): Task<void> {
  const variable = bdev.blocks.at(vec.phys);
  return variable.section(
    'submit_bio',
    () => {
      const disk = variable.load();
      const whose =
        disk.detached === true
          ? { owned: false, reason: `block ${vec.phys} was taken out of the file and waits to be freed` }
          : ownership(disk, bio, vec);
      machine.observer.blockWriteSubmitted?.({ ino: bio.ino, phys: vec.phys, ...whose });
      variable.store({ ...disk, writes: disk.writes + 1 });
    },
    () => 'write',
  );
}

function* transfer(bdev: BlockDevice, bio: Bio): Task<void> {
  const mayFail = bio.rw === 'R' ? machine.faults.readIo : machine.faults.writeIo;
  const failed = mayFail && (yield* choose(`${bio.rw === 'R' ? 'read' : 'write'} error`, 2)) === 1;
  for (const vec of bio.vecs)
    yield* bio.rw === 'R' ? readBlock(bdev, bio, vec, failed) : writeBlock(bdev, bio, vec, failed);
  const error = failed ? -EIO : 0;
  if (machine.trace.active) machine.trace.emit('block_bio_complete', { ...blockEvent(bio), error });
  yield* bio.endIo(error);
}

function readBlock(bdev: BlockDevice, bio: Bio, vec: BioVec, failed: boolean): Task<void> {
  const variable = bdev.blocks.at(vec.phys);
  return variable.readSection(
    'bio_endio',
    () => {
      const disk = variable.load();
      if (failed) return;
      (vec.page.content[vec.block] as SharedVar<Cells>).store(disk.cells);
      vec.page.source[vec.block] = { phys: vec.phys, gen: disk.gen };
      machine.observer.blockRead?.(vec.page, { ino: bio.ino, phys: vec.phys, ...ownership(disk, bio, vec) });
    },
    () =>
      failed
        ? '-EIO'
        : `${showCells((vec.page.content[vec.block] as SharedVar<Cells>).peek())} into page ${vec.page.index}`,
  );
}

function writeBlock(bdev: BlockDevice, bio: Bio, vec: BioVec, failed: boolean): Task<void> {
  const variable = bdev.blocks.at(vec.phys);
  return variable.section(
    'bio_endio',
    () => {
      const disk = variable.load();
      const cells = failed ? disk.cells : (vec.page.content[vec.block] as SharedVar<Cells>).load();
      const { owned } = ownership(disk, bio, vec);
      machine.observer.blockWritten?.({ ino: bio.ino, phys: vec.phys, owner: disk.owner, owned });
      variable.store({ ...disk, cells, writes: disk.writes - 1 });
    },
    () => (failed ? '-EIO' : `page ${vec.page.index} to block ${vec.phys}`),
  );
}

function ownership(disk: DiskBlock, bio: Bio, vec: BioVec): { owned: boolean; reason: string } {
  const owners = ownersOf(disk);
  // A block that is shared may be read by all whose it is, and written to by none of them.
  if (owners.includes(bio.ino) && disk.gen === vec.gen && (bio.rw === 'R' || owners.length === 1))
    return { owned: true, reason: '' };
  const who =
    disk.owner === STRANGER
      ? 'another file'
      : disk.owner === FREE
        ? 'nobody'
        : owners.map((ino) => `inode ${ino}`).join(' and to ');
  const freed = disk.gen === vec.gen ? '' : 'was freed after it was looked up, and ';
  return { owned: false, reason: `block ${vec.phys} ${freed}belongs to ${who}` };
}

/** What the tracepoints of a request say about it. */
function blockEvent({ ino, vecs, rw }: Bio): TraceEvents['block_bio_queue'][0] {
  return { ino, block: (vecs[0] as BioVec).phys, count: vecs.length, rw };
}
