/**
 * Capabilities: what the metadata server allows this client to do with a file, and who is relying on it.
 *
 * An operation takes references on the capabilities that it needs and gives them back at its end. To truncate, the server
 * takes FILE_RD and FILE_WR back from every client and waits until nobody uses them; the cache stays. So no fill and no
 * write is in progress when the size changes, and whoever is granted them again first drops what was truncated. They keep
 * other clients out, not other threads of this one.
 *
 * What is granted, i_size as the server tells it, the truncation that is pending and the references are changed under
 * i_ceph_lock, each time in one step.
 *
 * Order of the locks, outer to inner: i_rwsem; mmap_lock; references on capabilities; i_truncate_mutex; invalidate_lock
 * (v5.15); page lock.
 *
 * @departs FILE_CACHE and FILE_BUFFER are granted once and stay: no other client opens the file for good. FILE_EXCL and
 *   FILE_SHARED are never granted, so that every truncation goes to the server.
 * @see fs/ceph/caps.c, fs/ceph/super.h (v5.14, v5.15)
 */
import {
  ContractError,
  type Inode,
  loff,
  Mutex,
  mutexLock,
  mutexUnlock,
  type ServerFile,
  SharedVar,
  type Task,
  type TaskStruct,
  truncatePagecache,
} from '@fsport/core';

/** Read from the server, or through the cache with FILE_CACHE. */
export const CEPH_CAP_FILE_RD = 1 << 0;
/** Cache what was read. */
export const CEPH_CAP_FILE_CACHE = 1 << 1;
/** Write. */
export const CEPH_CAP_FILE_WR = 1 << 2;
/** Keep what was written in the cache. */
export const CEPH_CAP_FILE_BUFFER = 1 << 3;

/** What i_ceph_lock protects. Never changed in place. @see `struct ceph_inode_info` (v5.15) */
export interface Caps {
  /** `CEPH_CAP_*` granted. */
  readonly issued: number;
  /** `i_truncate_pending`: the cache beyond `truncateSize` must go before anybody is let in. */
  readonly truncatePending: boolean;
  /** `i_truncate_size`. */
  readonly truncateSize: number;
  /** `i_truncate_seq`: how many truncations this client knows of. */
  readonly truncateSeq: number;
}

const ALL = CEPH_CAP_FILE_RD | CEPH_CAP_FILE_CACHE | CEPH_CAP_FILE_WR | CEPH_CAP_FILE_BUFFER;

function showCaps({ issued, truncatePending }: Caps): string {
  const letters = [...'rcwb'].filter((_, bit) => (issued & (1 << bit)) !== 0).join('');
  return `F${letters}${truncatePending ? ' truncate pending' : ''}`;
}

/** ceph's part of an inode. @see `struct ceph_inode_info` (v5.15) */
export class CephInodeInfo {
  /** The file in the object store, and its size at the metadata server. */
  readonly server: ServerFile;
  /** Truncations that the servers know of. */
  readonly serverTruncateSeq: SharedVar<number>;
  /** What i_ceph_lock protects. */
  readonly caps: SharedVar<Caps>;
  /** `i_rd_ref`: operations that rely on FILE_RD. */
  readonly rdRef: SharedVar<number>;
  /** `i_wr_ref`: operations that rely on FILE_WR. */
  readonly wrRef: SharedVar<number>;
  /** `i_truncate_mutex`: one truncation of the cache at a time. */
  readonly truncateMutex: Mutex;
  /**
   * `rw_contexts`: tasks that have references for a read or a fault, once for each, so that readahead below them takes
   * none. Each looks for itself.
   */
  readonly rwContexts: TaskStruct[] = [];

  /** @param server - The file at the servers. */
  constructor(server: ServerFile) {
    this.server = server;
    this.serverTruncateSeq = new SharedVar('mds.truncate_seq', 0, server.ino);
    this.caps = new SharedVar<Caps>(
      'i_caps',
      { issued: ALL, truncatePending: false, truncateSize: 0, truncateSeq: 0 },
      server.ino,
    );
    this.caps.show = showCaps;
    this.rdRef = new SharedVar('i_rd_ref', 0, server.ino);
    this.wrRef = new SharedVar('i_wr_ref', 0, server.ino);
    this.truncateMutex = new Mutex('ceph_inode_info.i_truncate_mutex', server.ino);
  }
}

/** ceph's part of an inode. */
export function cephInode(inode: Inode): CephInodeInfo {
  return inode.info as CephInodeInfo;
}

type Attempt = 'taken' | 'truncate first' | 'not granted';

/** The references that go with a capability. */
function refsOf({ rdRef, wrRef }: CephInodeInfo, need: number): SharedVar<number> {
  return need === CEPH_CAP_FILE_RD ? rdRef : wrRef;
}

/** One look under i_ceph_lock. @see `try_get_cap_refs()` (v5.15) */
function tryGetCapRefs(info: CephInodeInfo, need: number): Task<Attempt> {
  const refs = refsOf(info, need);
  return info.caps.readSection('try_get_cap_refs', (): Attempt => {
    const { truncatePending, issued } = info.caps.load();
    if (truncatePending) return 'truncate first';
    if ((issued & need) === 0) return 'not granted';
    refs.store(refs.load() + 1);
    return 'taken';
  });
}

/**
 * Take references on capabilities; first finish a truncation that is pending.
 *
 * @param need - FILE_RD or FILE_WR.
 * @context Sleeps until they are granted. May take i_truncate_mutex and page locks.
 * @see `ceph_get_caps()` (v5.14, v5.15)
 */
export function* cephGetCaps(inode: Inode, need: number): Task<void> {
  const info = cephInode(inode);
  for (;;) {
    const attempt = yield* tryGetCapRefs(info, need);
    if (attempt === 'taken') return;
    if (attempt === 'truncate first') yield* cephDoPendingVmtruncate(inode);
    else yield* info.caps.waitUntil(({ issued }) => (issued & need) !== 0, 'i_cap_wq');
  }
}

/**
 * Take references if they are granted at once.
 *
 * @returns Whether they were taken.
 * @context Does not wait for the server.
 * @see `ceph_try_get_caps()` (v5.14, v5.15)
 */
export function* cephTryGetCaps(inode: Inode, need: number): Task<boolean> {
  for (;;) {
    const attempt = yield* tryGetCapRefs(cephInode(inode), need);
    if (attempt !== 'truncate first') return attempt === 'taken';
    yield* cephDoPendingVmtruncate(inode);
  }
}

/**
 * Give references back, as part of the step in progress.
 *
 * @departs Not a step of its own: only the server's request tests the references, and finds them before or after.
 * @see `ceph_put_cap_refs()` (v5.15)
 */
export function cephPutCapRefs(inode: Inode, had: number): void {
  const refs = refsOf(cephInode(inode), had);
  refs.store(refs.load() - 1);
}

/**
 * Drop the cache beyond the size that the server has told, if nobody has yet.
 *
 * @throws ContractError `CONTRACT` if somebody has references.
 * @context Sleeps. Takes i_truncate_mutex, page locks. Not invalidate_lock.
 * @see fs/ceph/inode.c `__ceph_do_pending_vmtruncate()` (v5.14, v5.15)
 */
export function* cephDoPendingVmtruncate(inode: Inode): Task<void> {
  const info = cephInode(inode);
  const { caps, truncateMutex } = info;
  yield* mutexLock(truncateMutex);
  for (;;) {
    const { truncatePending, truncateSize } = yield* pendingTruncate(info);
    if (!truncatePending) break;
    yield* truncatePagecache(inode, loff(truncateSize));
    // The server may have told a smaller size meanwhile.
    yield* caps.section('i_truncate_pending', () => {
      const state = caps.load();
      if (state.truncateSize === truncateSize) caps.store({ ...state, truncatePending: false });
    });
  }
  yield* mutexUnlock(truncateMutex);
}

/** What is pending. Then nobody may rely on what the size is. @throws ContractError `CONTRACT` if somebody does. */
function pendingTruncate({ caps, rdRef, wrRef, server }: CephInodeInfo): Task<Caps> {
  return caps.readSection('i_truncate_pending', () => {
    const state = caps.load();
    if (state.truncatePending && rdRef.load() + wrRef.load() > 0)
      throw new ContractError('CONTRACT', { op: 'vmtruncate', rule: 'cap-refs', ino: server.ino });
    return state;
  });
}

/** The server takes capabilities back: from now on nobody gets them. @see `handle_cap_grant()` (v5.15) */
export function revokeCaps({ caps }: CephInodeInfo, revoked: number): Task<void> {
  return caps.section('CEPH_CAP_OP_REVOKE', () => {
    const state = caps.load();
    caps.store({ ...state, issued: state.issued & ~revoked });
  });
}

/** The client answers a revocation once nobody relies on what is taken back. @see `ceph_check_caps()` (v5.15) */
export function* awaitUnused({ rdRef, wrRef }: CephInodeInfo): Task<void> {
  yield* rdRef.waitUntil((refs) => refs === 0, 'CEPH_CAP_OP_UPDATE');
  yield* wrRef.waitUntil((refs) => refs === 0, 'CEPH_CAP_OP_UPDATE');
}
