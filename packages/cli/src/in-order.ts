/** Hands things on in the order of their indices, whatever the order in which they come. */
export class InOrder<T> {
  readonly #emit: (value: T) => void;
  readonly #early = new Map<number, T>();
  #next = 0;

  /** @param emit - Takes them in order. */
  constructor(emit: (value: T) => void) {
    this.#emit = emit;
  }

  /** The one of this index has come. */
  add(index: number, value: T): void {
    this.#early.set(index, value);
    for (let ready = this.#early.get(this.#next); ready !== undefined; ready = this.#early.get(this.#next)) {
      this.#early.delete(this.#next++);
      this.#emit(ready);
    }
  }
}
