/**
 * The trace bus of one machine. Event names and fields are the kernel's tracepoints, so that the rules which
 * judge a recorded kernel trace can judge a model's trace too.
 *
 * @see include/trace/events/{filemap,ext4,...}.h (v5.15)
 */
import { EventEmitter } from 'eventemitter3';

/** A page-cache event. @see include/trace/events/filemap.h */
export interface FilemapEvent {
  /** Inode number. */
  readonly ino: number;
  /** Page index. */
  readonly index: number;
}

/** A range event of a filesystem. @see include/trace/events/ext4.h */
export interface RangeEvent {
  /** Inode number. */
  readonly ino: number;
  /** First byte or block, as the tracepoint has it. */
  readonly offset: number;
  /** Length or last block, as the tracepoint has it. */
  readonly len: number;
}

/** A block event. */
export interface BlockEvent {
  /** Inode number. */
  readonly ino: number;
  /** Disk block. */
  readonly block: number;
  /** Number of blocks. */
  readonly count: number;
}

/** Tracepoints and what they carry. Filesystems add theirs by declaration merging. */
export interface TraceEvents {
  /** A page enters the cache. */
  mm_filemap_add_to_page_cache: [FilemapEvent];
  /** A page leaves the cache. */
  mm_filemap_delete_from_page_cache: [FilemapEvent];
  /** A write error is noted. */
  filemap_set_wb_err: [{ readonly ino: number; readonly errseq: number }];
  /** A request enters the block layer. */
  block_bio_queue: [BlockEvent & { readonly rw: 'R' | 'W' }];
  /** A request ends. */
  block_bio_complete: [BlockEvent & { readonly rw: 'R' | 'W'; readonly error: number }];
}

/** Hears of every tracepoint: its name and its fields. */
export type TraceListener = (event: keyof TraceEvents, fields: Readonly<Record<string, unknown>>) => void;

/** Emits tracepoints. Check {@link active} before building an event: exploring runs with nobody listening. */
export class TraceBus extends EventEmitter<TraceEvents> {
  /** Is anybody listening? */
  active = false;
  #all: TraceListener | null = null;

  /** Hear of every tracepoint, whichever filesystem has declared it. */
  onAll(listener: TraceListener): void {
    this.active = true;
    this.#all = listener;
  }

  override emit<T extends EventEmitter.EventNames<TraceEvents>>(
    event: T,
    ...fields: Parameters<EventEmitter.EventListener<TraceEvents, T>>
  ): boolean {
    this.#all?.(event, fields[0] as unknown as Readonly<Record<string, unknown>>);
    return super.emit(event, ...fields);
  }

  override on<T extends EventEmitter.EventNames<TraceEvents>>(
    event: T,
    fn: EventEmitter.EventListener<TraceEvents, T>,
    context?: unknown,
  ): this {
    this.active = true;
    return super.on(event, fn, context as never);
  }
}
