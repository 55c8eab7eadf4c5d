// A hole punch and loads from the same file, in an order that a test gives.

import {
  doMmap,
  type Execution,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  ksysFallocate,
  loff,
  MmStruct,
  pgoff,
  type Scheduler,
  type Task,
  type TaskStruct,
  userLoad,
  VM_SHARED,
} from '@fsport/core';
import { World } from './world.js';

const PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
const PAGE = 8;

/** A punch of some pages, and a process that loads from the file. */
export class Race {
  readonly world: World;
  readonly mm: MmStruct;
  loads = 0;

  constructor(
    profile: string,
    layout: string,
    punched: readonly [first: number, pages: number],
    loads: readonly number[],
  ) {
    this.world = new World(profile, layout);
    this.mm = new MmStruct('f');
    const { execution, file } = this.world;
    this.world.run(doMmap(this.mm, file, pgoff(0), layout.length, VM_SHARED, 0));
    const [first, pages] = punched;
    execution.spawn('punch', ksysFallocate(file, PUNCH, loff(first * PAGE), loff(pages * PAGE)), 'p');
    execution.spawn('load', this.#load(loads), 'f');
  }

  *#load(indices: readonly number[]): Task<void> {
    for (const index of indices) {
      yield* userLoad(this.mm, index * PAGE);
      this.loads++;
    }
  }

  task(name: string): TaskStruct {
    return this.world.execution.tasks.find((task) => task.name === name) as TaskStruct;
  }

  /** Run, as long as `pick` names somebody, or somebody else can run. */
  run(pick: (execution: Execution) => string): void {
    const scheduler: Scheduler = {
      newExecution: () => true,
      nextTask: (execution) => {
        const { index } = this.task(pick(execution));
        return execution.runnable.includes(index) ? index : (execution.runnable[0] as number);
      },
      nextChoice: () => 0,
    };
    this.world.execution.run(scheduler);
  }
}
