// One line of the benchmark.

/** Size of the punch race. */
export interface Size {
  readonly pages: number;
  readonly readers: number;
  readonly fixed: boolean;
  readonly fair: boolean;
}

/** One line. What does not apply is `null`. */
export interface Row extends Size {
  /** Who does what. */
  readonly name: string;
  /** Distinct traces seen, or states for a tool that counts states. */
  readonly traces: number | null;
  /** Executions that ended; until the first failure, where that is what is measured. */
  readonly executions: number;
  /** Executions given up as repetitions. */
  readonly blocked: number;
  /** CPU time. */
  readonly cpuSeconds: number;
  readonly executionsPerSecond: number | null;
  readonly stepsPerSecond: number | null;
  /** Steps per second of generators alone, in the same process. */
  readonly bareStepsPerSecond: number | null;
}
