/**
 * The machine that an execution runs on: sizes, disk, and everything that was created on it, for checkers
 * that look at the final state. One machine per execution; the running one is {@link machine}.
 */
import type { BlockDevice } from './block/device.js';
import type { File, SuperBlock } from './include/fs.js';
import type { MmStruct, Page } from './include/mm-types.js';
import { setPageSize } from './include/page.js';
import { Origins } from './provenance.js';
import type { KernelRelease } from './release.js';
import { TraceBus } from './trace.js';

/** What may go wrong, if a check allows it; each becomes a choice of the scheduler. */
export interface Faults {
  /** A page allocation in readahead or create may fail. */
  readonly allocPage?: boolean;
  /** A block read may end with -EIO. */
  readonly readIo?: boolean;
  /** A block write may end with -EIO. */
  readonly writeIo?: boolean;
}

/** What a machine is built from. */
export interface MachineConfig {
  /** The kernel release that generic code follows. */
  readonly release: KernelRelease;
  /** Bytes in a page; a power of two. */
  readonly pageSize: number;
  /** Bytes in a block; divides the page size. */
  readonly blockSize: number;
  /** Blocks on the disk. */
  readonly nrBlocks: number;
  /** Largest file, bytes. */
  readonly maxBytes: number;
  /** Default readahead window, pages; 0 switches readahead off. */
  readonly raPages: number;
  /** Pages that a fault maps around the address when they are cached, a power of two; 1 for none. */
  readonly faultAroundPages: number;
  /** A freed block is handed to a stranger at once, who fills it with a secret. */
  readonly hostileReuse: boolean;
  /** What may go wrong. */
  readonly faults: Faults;
  /** See {@link Machine.mostRestarts}; no bound if it is not given. */
  readonly mostRestarts?: number;
}

/**
 * Hears of moments that a checker must judge when they happen, from the very step that makes them happen.
 * What it may look at is what that step accesses: the arguments.
 */
export interface Observer {
  /** A block arrived in a page. `owned` says whether the block was the file's own from look-up to now. */
  blockRead?(
    page: Page,
    event: { readonly ino: number; readonly phys: number; readonly owned: boolean; readonly reason: string },
  ): void;
  /** A write of a block is submitted. `owned` as above. */
  blockWriteSubmitted?(event: {
    readonly ino: number;
    readonly phys: number;
    readonly owned: boolean;
    readonly reason: string;
  }): void;
  /** A write of a block reached the disk. `owner` is the inode the block belongs to now. */
  blockWritten?(event: {
    readonly ino: number;
    readonly phys: number;
    readonly owner: number;
    readonly owned: boolean;
  }): void;
  /** A block was freed while `writes` writes to it were in flight, and so many entries and devices pointed to it. */
  blockFreed?(event: {
    readonly ino: number;
    readonly phys: number;
    readonly writes: number;
    readonly mapped: number;
    readonly pins: number;
  }): void;
  /** A block was changed on the disk, by other means than writing its page, behind a page that is valid and clean. */
  changedBehindPage?(page: Page, event: { readonly ino: number; readonly phys: number }): void;
  /** A loop starts over because of what another task has done; `times` is how often this call of it has by now. */
  startsOver?(event: { readonly loop: string; readonly times: number }): void;
  /** A dirty page-table entry was removed and the page was not dirtied. */
  dirtyPteLost?(page: Page): void;
}

/** One machine. */
export class Machine {
  /** What it was built from. */
  readonly config: MachineConfig;
  /** The kernel release that generic code follows. */
  readonly release: KernelRelease;
  /** Bytes in a block. */
  readonly blockSize: number;
  /** Largest file, bytes. */
  readonly maxBytes: number;
  /** Default readahead window, pages. */
  readonly raPages: number;
  /** What may go wrong. */
  readonly faults: Required<Faults>;
  /** How often a call may start a loop over because of others. A bound of the check: it judges the loop by then. */
  readonly mostRestarts: number;
  /** Where bytes come from. */
  readonly origins = new Origins();
  /** Kernel tracepoints; silent unless somebody listens. */
  readonly trace = new TraceBus();
  /** Who judges moments. */
  observer: Observer = {};
  /** Every page ever allocated. */
  readonly pages: Page[] = [];
  /** Every process. */
  readonly mms: MmStruct[] = [];
  /** Every open file. */
  readonly files: File[] = [];
  /** Every mounted filesystem. */
  readonly superBlocks: SuperBlock[] = [];
  /** Every disk. */
  readonly disks: BlockDevice[] = [];

  /** @param config - What to build. */
  constructor(config: MachineConfig) {
    this.config = config;
    this.release = config.release;
    this.blockSize = config.blockSize;
    this.maxBytes = config.maxBytes;
    this.raPages = config.raPages;
    const { allocPage = false, readIo = false, writeIo = false } = config.faults;
    this.faults = { allocPage, readIo, writeIo };
    this.mostRestarts = config.mostRestarts ?? Number.POSITIVE_INFINITY;
  }
}

/** The machine of the running execution. */
// eslint-disable-next-line @fsport/no-hidden-nondeterminism -- set by each boot
export let machine: Machine = undefined as unknown as Machine;

/**
 * Start a machine for the execution that is being set up.
 *
 * @param config - What to build.
 * @returns The machine, from now on {@link machine}.
 */
export function boot(config: MachineConfig): Machine {
  setPageSize(config.pageSize);
  machine = new Machine(config);
  return machine;
}
