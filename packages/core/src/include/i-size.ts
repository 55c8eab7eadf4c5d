/**
 * `inode->i_size`: where a file ends.
 *
 * Most readers compare it with a part of the file: does this page begin before the end, how much of it lies before
 * it? A store that moves the end somewhere else tells them nothing new, so the two commute. A reader who says which
 * part he asks about ({@link FileSize.within}) is ordered only against stores that move the end into, out of, or across
 * that part; all others read the whole word.
 *
 * @see include/linux/fs.h `i_size_read()`, `i_size_write()` (v5.15)
 */
import { machine } from '../machine.js';
import { current } from '../sched/current.js';
import { SharedVar } from '../sched/shared-var.js';
import type { Task } from '../sched/task.js';

/** The size of a file, bytes. */
export class FileSize extends SharedVar<number> {
  /** Block in the file -> what the size says about that block: nothing is kept there, readers and stores meet on it. */
  readonly #parts: SharedVar<null>[] = [];

  /** @param ino - Inode number. */
  constructor(ino: number) {
    super('i_size', 0, ino);
  }

  /**
   * Read what it says about a part of the file.
   *
   * @param from - First byte of the part.
   * @param to - Byte after the last one.
   * @returns The size if it lies in the part, `from` if it is smaller, `to` if it is larger.
   * @context May be preempted.
   */
  within(from: number, to: number): Task<number> {
    const [first, ...others] = this.#partsOf(from, to) as [SharedVar<null>, ...SharedVar<null>[]];
    return first.readSection(
      'i_size_read',
      () => {
        for (const part of others) part.load();
        return Math.min(Math.max(this.peek(), from), to);
      },
      () => this.show(this.peek()),
    );
  }

  override store(value: number): void {
    this.#move(value);
    super.store(value);
  }

  override assign(value: number): void {
    this.#move(value);
    super.assign(value);
  }

  override peekState(): number {
    return this.peek();
  }

  /** The end moves: whoever asks about what lies in between sees it. */
  #move(to: number): void {
    const from = this.peek();
    for (const part of this.#partsOf(Math.min(from, to), Math.max(from, to))) part.store(null);
  }

  #partsOf(from: number, to: number): SharedVar<null>[] {
    const { blockSize } = machine;
    const parts: SharedVar<null>[] = [];
    for (let block = Math.floor(from / blockSize); block * blockSize < to; block++) {
      parts.push(this.#part(block));
    }
    return parts;
  }

  #part(block: number): SharedVar<null> {
    this.#parts[block] ??= new SharedVar<null>(this.label, null, this.key, current.memberId(this.id, block));
    return this.#parts[block];
  }
}
