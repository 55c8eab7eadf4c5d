/** A check as a scenario that the engine can explore: build the world, judge how an execution ended. */
import {
  type Ending,
  type Execution,
  type FileSystemType,
  LockGraph,
  type LockGraphSnapshot,
  useLocking,
} from '@fsport/core';
import type { Remembered, Scenario, Violation } from '@fsport/explore';
import { type Allowed, Outcomes, probeContent, readResults, unusable } from './checkers/content.js';
import { type FinalState, finding, type StateChecker } from './checkers/finding.js';
import { leftovers } from './checkers/leftovers.js';
import { Moments } from './checkers/moments.js';
import { lostZeroes, staleCache, strayBuffers } from './checkers/page-cache.js';
import { stalePtes } from './checkers/page-tables.js';
import { references } from './checkers/references.js';
import { SoundStates } from './checkers/sound-states.js';
import { cutCheck, cutsOf } from './cuts.js';
import type { FileState } from './file-model.js';
import { apply } from './file-model.js';
import { FORBIDDEN_ORDERS } from './lock-rules.js';
import type { Check, CheckerName } from './types.js';
import { type World, WorldBuilder } from './world.js';

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
  const files = check.files.map((file): FileState => {
    const bytes = file.blocks.flatMap((block) => {
      const byte = typeof block === 'string' ? 0 : block.data.charCodeAt(0);
      return new Array<number>(check.geometry.blockSize).fill(byte);
    });
    return Array.from({ length: file.size }, (_, at) => bytes[at] ?? 0);
  });
  for (const op of check.setUp) {
    const at = op.file ?? 0;
    const source = op.op === 'clone' ? (files[op.source] as FileState) : [];
    const call = { op, result: 'data' in op ? op.data.length : 0, source };
    files[at] = apply(files[at] as FileState, call);
  }
  return files;
}

/** A check under one profile of one filesystem. */
export class CheckScenario implements Scenario {
  readonly name: string;
  readonly letters: readonly string[];
  readonly deadlockElsewhere: boolean;
  readonly cuts: readonly string[];
  readonly #whole: Check;
  readonly #fs: FileSystemType;
  readonly #profile: string;
  readonly #check: Check;
  readonly #builder: WorldBuilder;
  readonly #enabled: ReadonlySet<CheckerName>;
  #graph = new LockGraph();
  readonly #outcomes: Outcomes;
  readonly #sound = new SoundStates();
  #world: World | null = null;
  #moments: Moments;

  /**
   * @param fs - The filesystem.
   * @param profile - How it is mounted.
   * @param whole - What runs and what must hold.
   * @param cuts - What is left out of it.
   */
  constructor(fs: FileSystemType, profile: string, whole: Check, cuts: readonly string[] = []) {
    const check = cutCheck(whole, cuts);
    this.#whole = whole;
    this.cuts = cutsOf(whole, cuts);
    this.name = check.id;
    this.letters = check.tasks.map((task) => task.letter);
    this.deadlockElsewhere = check.deadlockElsewhere ?? false;
    this.#fs = fs;
    this.#profile = profile;
    this.#check = check;
    this.#builder = new WorldBuilder(fs, profile, check);
    this.#enabled = new Set(check.checkers);
    this.#outcomes = new Outcomes(initialFiles(check));
    this.#moments = new Moments(this.#enabled, check.tasks.length);
  }

  without(cuts: readonly string[]): CheckScenario {
    return new CheckScenario(this.#fs, this.#profile, this.#whole, cuts);
  }

  start(execution: Execution, only?: ReadonlySet<string>): void {
    useLocking({ graph: this.#graph, fair: () => this.#check.fair });
    this.#moments = new Moments(this.#enabled, only?.size ?? this.#check.tasks.length);
    this.#world = this.#builder.build(execution, only, this.#moments);
    this.#moments.world = this.#world;
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

  #probe(state: FinalState): Violation[] {
    const { execution, world } = state;
    const found: Violation[] = [];
    const allowed = world.inodes.map((_, file) => this.#outcomes.allowed(execution, world, file));
    if (this.#enabled.has('stale-data'))
      for (const [file, inode] of world.inodes.entries())
        found.push(...readResults(state, inode, allowed[file] as Allowed));
    const probe = (): Violation[] => this.#probeFiles(state, allowed);
    // A fault applied from outside may remember something that no state shows.
    if (execution.instead !== null) return [...found, ...probe()];
    const possible = allowed.map((one) => one.possible);
    return [...found, ...this.#sound.judge(world, possible, probe)];
  }

  #probeFiles(state: FinalState, allowed: readonly Allowed[]): Violation[] {
    const { world } = state;
    const found: Violation[] = [];
    try {
      for (const [file, inode] of world.inodes.entries()) {
        found.push(...probeContent(state, inode, allowed[file] as Allowed, this.#enabled));
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

  recall(memories: readonly Remembered[]): void {
    const known = memories.map(({ content, objectId }) =>
      (content as LockGraphSnapshot).map((one) => ({ ...one, id: objectId(one.id) })),
    );
    this.#graph = new LockGraph(...known);
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
