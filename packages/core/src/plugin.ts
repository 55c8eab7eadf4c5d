/**
 * What a filesystem package exports: one object, made by {@link defineFileSystem}.
 *
 * A claim in `supports` turns checks on, see claims.ts. Generic code checks arguments and locks; the operations may
 * assume them.
 */
import type { BlockDevice } from './block/device.js';
import type { ReadsFromDisk, Supports, Tables } from './claims.js';
import { type DependencyContainer, type InjectionToken, injectAll, injectable } from './di.js';
import { UsageError } from './errors.js';
import type { Inode, SuperBlock } from './include/fs.js';
import { KERNEL_RELEASES, type KernelRelease } from './release.js';

/** What a block of a file is when the filesystem is made. */
export type BlockSpec = 'hole' | 'unwritten' | { readonly data: string };

/** A file that mkfs puts on the disk, as `mke2fs -d` does. */
export interface FileSpec {
  /** Inode number, above 10. */
  readonly ino: number;
  /** `i_size`, bytes. */
  readonly size: number;
  /** `FS_XFLAG_DAX`: `false` for a file that is accessed through the page cache although the filesystem has DAX. */
  readonly dax?: boolean;
  /** Its blocks from the first; a letter stands for a block full of it. Missing ones are holes. */
  readonly blocks: readonly BlockSpec[];
  /** On a zoned device: its zone need not be written in order. */
  readonly conventional?: boolean;
}

/** Where a block of a file is. */
export interface BlockPlace {
  /** What the block map says. */
  readonly state: 'hole' | 'unwritten' | 'delalloc' | 'mapped';
  /** Disk block if it is mapped or unwritten, otherwise `-1`. */
  readonly phys: number;
}

/** How a filesystem is mounted. */
export interface MountOptions {
  /** One of the profiles in `follows`. */
  readonly profile: string;
}

/** A commit of the kernel that fixed something. */
export interface KernelFix {
  /** The commit: twelve digits of its hash. */
  readonly kernel: string;
  /** The first release that has it: `v5.15`. */
  readonly since: string;
  /** Its subject. */
  readonly title: string;
}

/** The commit that brought a filesystem what another one did to generic code. */
export interface KernelPort extends KernelFix {
  /** That other commit: the fix of a check, which names it. */
  readonly of: string;
}

/** A filesystem model. */
export interface FileSystemType<S extends Supports = Supports> extends Tables<S> {
  /** Filesystem type, as in /proc/filesystems. */
  readonly name: string;
  /** Profiles it describes: a release, optionally with a proposed patch series after a plus sign. */
  readonly follows: readonly [string, ...string[]];
  /** What it can do. */
  readonly supports: S;
  /** What brought it fixes of generic code that take effect in a filesystem only with its own part: for hints. */
  readonly ports?: readonly KernelPort[];
  /** Make a filesystem with these files on an empty disk. */
  mkfs(bdev: BlockDevice, files: readonly FileSpec[]): void;
  /** Mount it. A fresh, isolated instance; once per explored execution. */
  mount(bdev: BlockDevice, options: MountOptions): SuperBlock;
  /** Get a file's inode, once per mount and number. */
  iget(sb: SuperBlock, ino: number): Inode;
  /** Where a block of a file is, unseen by the search: for checkers. @see `FIBMAP` */
  bmap(inode: Inode, iblock: number): BlockPlace;
  /** Check the filesystem, with nothing in progress. Empty means clean. */
  fsck(sb: SuperBlock): readonly string[];
}

/**
 * Define a filesystem: the default export of a package with the keyword `fsport-filesystem`.
 *
 * @param fs - The model.
 * @returns The same object, its claims checked by the compiler.
 */
export function defineFileSystem<const S extends Supports>(
  fs: FileSystemType<S> & ReadsFromDisk<S>,
): FileSystemType<S> {
  return fs;
}

/**
 * The kernel release that generic code follows in a profile.
 *
 * @param profile - Such as `v5.15` or `v5.15+shmem-invalidate-lock`.
 * @throws UsageError `UNKNOWN_PROFILE` if no release of the model begins it.
 */
export function releaseOf(profile: string): KernelRelease {
  const release = KERNEL_RELEASES.find((known) => known === profile.split('+')[0]);
  if (release !== undefined) return release;
  const known = KERNEL_RELEASES.join(', ');
  throw new UsageError(
    'UNKNOWN_PROFILE',
    { profile },
    `Profile "${profile}" follows no release of the model (${known}).`,
  );
}

/** Registered filesystems. */
export const FILE_SYSTEM: InjectionToken<FileSystemType> = Symbol.for('fsport.FileSystemType');

/** Register a filesystem with a run. */
export function registerFileSystem(container: DependencyContainer, fs: FileSystemType): void {
  container.register<FileSystemType>(FILE_SYSTEM, { useValue: fs });
}

/** The filesystems of a run, by name. */
@injectable()
export class FileSystems {
  readonly #byName = new Map<string, FileSystemType>();

  /**
   * @param all - Every registered filesystem.
   * @throws UsageError `DUPLICATE_FS` if two have one name.
   */
  constructor(@injectAll(FILE_SYSTEM) all: FileSystemType[]) {
    for (const fs of all) {
      if (this.#byName.has(fs.name)) {
        throw new UsageError(
          'DUPLICATE_FS',
          { fs: fs.name },
          `Two filesystems are called "${fs.name}". Rename or remove one.`,
        );
      }
      this.#byName.set(fs.name, fs);
    }
  }

  /** All of them, by name. */
  all(): readonly FileSystemType[] {
    return [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * @param name - Filesystem type; a leading `fs-` is ignored.
   * @throws UsageError `UNKNOWN_FS`.
   */
  get(name: string): FileSystemType {
    const fs = this.#byName.get(name.replace(/^fs-/, ''));
    if (fs !== undefined) return fs;
    const known = [...this.#byName.keys()].sort().join(', ');
    throw new UsageError('UNKNOWN_FS', { fs: name }, `There is no filesystem "${name}". Known: ${known}.`);
  }
}
