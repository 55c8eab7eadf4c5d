/**
 * Final states that were probed and found sound, for one check: executions are many, states are few, and a probe costs
 * as much as an execution.
 *
 * A state is known again by its key, and a state that has none is always probed. What a filesystem hides in a variable
 * of a module is in no key, so a state that comes back is probed again now and then: after twice as many times each
 * time. A state in which something was wrong is never known.
 */
import type { Violation } from '@fsport/explore';
import type { Possible } from '../file-model.js';
import type { World } from '../world.js';
import { StateKeys } from './state-key.js';

/** Characters of all keys together, at most: beyond that, no more states are remembered. */
const ROOM = 16_000_000;

/** Remembers sound final states. */
export class SoundStates {
  readonly #keys = new StateKeys();
  /** How often each sound state was met with. */
  readonly #met = new Map<string, number>();
  #room = ROOM;

  /**
   * What probes find in a state, without them if that is known.
   *
   * @param world - The state.
   * @param possible - What may be found, by file.
   * @param probe - Probes it, and changes it.
   */
  judge(world: World, possible: readonly Possible[], probe: () => Violation[]): Violation[] {
    const key = this.#keys.of([world.sb, world.inodes], possible);
    if (key === null) return probe();
    const met = (this.#met.get(key) ?? 0) + 1;
    const certain = met > 1 && (met & (met - 1)) !== 0;
    const found = certain ? [] : probe();
    if (found.length > 0) this.#met.delete(key);
    else if (met > 1) this.#met.set(key, met);
    else if (key.length <= this.#room) {
      this.#room -= key.length;
      this.#met.set(key, met);
    }
    return found;
  }
}
