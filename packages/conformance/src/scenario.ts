/** A check as a scenario that the engine can explore: build the world, judge how an execution ended. */
import {
  type Ending,
  type Execution,
  type FileSystemType,
  LockGraph,
  type LockGraphSnapshot,
  useLocking,
} from '@fsport/core';
import type { Scenario, Violation } from '@fsport/explore';
import { Outcomes, probeContent, readResults, unusable } from './checkers/content.js';
import { type FinalState, finding, type StateChecker } from './checkers/finding.js';
import { leftovers } from './checkers/leftovers.js';
import { Moments } from './checkers/moments.js';
import { lostZeroes, staleCache, strayBuffers } from './checkers/page-cache.js';
import { stalePtes } from './checkers/page-tables.js';
import { references } from './checkers/references.js';
import type { FileState } from './file-model.js';
import { apply } from './file-model.js';
import { FORBIDDEN_ORDERS } from './lock-rules.js';
import type { Check, CheckerName } from './types.js';
import { buildWorld, type World } from './world.js';

/** Checkers of the final state that only look, most telling first. */
const STATE_CHECKERS: readonly (readonly [CheckerName, StateChecker])[] = [
  ['stale-data', staleCache],
  ['corruption', strayBuffers],
  ['stale-pte', stalePtes],
  ['lost-zeroing', lostZeroes],
  ['lock-discipline', leftovers],
  ['refcount', references],
];

/** Each file as mkfs and the set-up leave it. */
function initialFiles(check: Check): FileState[] {
  return check.files.map((file, i) => {
    const bytes = file.blocks.flatMap((block) => {
      const byte = typeof block === 'string' ? 0 : block.data.charCodeAt(0);
      return new Array<number>(check.geometry.blockSize).fill(byte);
    });
    const made: FileState = Array.from({ length: file.size }, (_, at) => bytes[at] ?? 0);
    const own = check.setUp.filter((op) => (op.file ?? 0) === i);
    return own.reduce<FileState>(
      (state, op) => apply(state, { op, result: 'data' in op ? op.data.length : 0 }),
      made,
    );
  });
}

/** A check under one profile of one filesystem. */
export class CheckScenario implements Scenario {
  readonly name: string;
  readonly letters: readonly string[];
  readonly #fs: FileSystemType;
  readonly #profile: string;
  readonly #check: Check;
  readonly #enabled: ReadonlySet<CheckerName>;
  #graph = new LockGraph();
  readonly #outcomes: Outcomes;
  #world: World | null = null;
  #moments: Moments;

  /**
   * @param fs - The filesystem.
   * @param profile - How it is mounted.
   * @param check - What runs and what must hold.
   */
  constructor(fs: FileSystemType, profile: string, check: Check) {
    this.name = check.id;
    this.letters = check.tasks.map((task) => task.letter);
    this.#fs = fs;
    this.#profile = profile;
    this.#check = check;
    this.#enabled = new Set(check.checkers);
    this.#outcomes = new Outcomes(initialFiles(check));
    this.#moments = new Moments(this.#enabled, check.tasks.length);
  }

  start(execution: Execution, only?: ReadonlySet<string>): void {
    useLocking({ graph: this.#graph, fair: () => this.#check.fair });
    this.#moments = new Moments(this.#enabled, only?.size ?? this.#check.tasks.length);
    this.#world = buildWorld(execution, this.#fs, this.#profile, this.#check, only, this.#moments);
  }

  judge(execution: Execution, ending: Ending): readonly Violation[] {
    const found = [...this.#moments.found];
    if (ending.kind !== 'done') return found;
    const world = this.#world as World;
    const state: FinalState = { execution, world, fs: this.#fs };
    for (const [property, checker] of STATE_CHECKERS)
      if (this.#enabled.has(property)) found.push(...checker(state));
    // One finding explains the rest; probes of a broken state would only fail in other words.
    return found.length > 0 ? found : this.#probe(state);
  }

  #probe({ execution, world }: FinalState): Violation[] {
    const found: Violation[] = [];
    const allowed = world.inodes.map((_, file) => this.#outcomes.allowed(execution, world, file));
    for (const one of allowed) if (this.#enabled.has('stale-data')) found.push(...readResults(one));
    try {
      for (const [file, inode] of world.inodes.entries()) {
        found.push(...probeContent(execution, inode, allowed[file] as never, this.#enabled));
      }
    } catch (error) {
      return [...found, unusable(error)];
    }
    if (this.#enabled.has('fsck'))
      found.push(...this.#fs.fsck(world.sb).map((line) => finding('fsck', 'F-1', line)));
    return found;
  }

  memory(): LockGraphSnapshot {
    return this.#graph.snapshot();
  }

  recall(memory: unknown): void {
    this.#graph = new LockGraph(memory as LockGraphSnapshot);
  }

  judgeSearch(): readonly Violation[] {
    if (!this.#enabled.has('lock-order')) return [];
    return this.#graph.report(FORBIDDEN_ORDERS).map(({ kind, classes, lines }) => {
      const what = {
        cycle: 'a cycle of lock classes',
        forbidden: 'a forbidden lock order',
        recursion: 'a lock taken twice',
      };
      return finding('lock-order', 'ORD', `${what[kind]}: ${classes.join(' -> ')}`, lines);
    });
  }
}
