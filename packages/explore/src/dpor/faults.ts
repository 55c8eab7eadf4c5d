/**
 * Deliberate faults of the reduction. A search has none; the tests switch them on one by one to show that
 * the other tests would notice.
 */

/** Faults by name; all off in a search. */
export interface DporFaults {
  /** Nobody ever sleeps. */
  readonly noSleep?: boolean;
  /** Nobody who sleeps is woken. */
  readonly noWake?: boolean;
  /** Every blocking step counts as possible wherever it conflicts. */
  readonly alwaysCoEnabled?: boolean;
  /** An order that cannot be reversed shadows the ones before it. */
  readonly absorbInfeasible?: boolean;
  /** Steps that are blocked for good take part in no race. */
  readonly noPending?: boolean;
  /** Joined accesses are overlooked. */
  readonly firstAccessOnly?: boolean;
  /** Only the first alternative of a choice is explored. */
  readonly firstChoiceOnly?: boolean;
  /** A race is reversed with what comes before its later event only. */
  readonly shortReversal?: boolean;
  /** Races of events that were there before are never looked at again. */
  readonly newEventsOnly?: boolean;
  /** A sleeping task that has nothing to do with a reversal counts as exploring it. */
  readonly weakInitials?: boolean;
  /** Picking one alternative while another one sleeps counts as exploring all of them. */
  readonly onlyAwake?: boolean;
  /** With a bound, races are reversed where they are and nowhere else. */
  readonly notConservative?: boolean;
  /** A sleeping task is taken for what it could do elsewhere, not for what it would do there. */
  readonly guessSleepers?: boolean;
  /** A planned step that may be dropped counts as exploring what begins with it. */
  readonly trustPlans?: boolean;
  /** Nobody remembers what a sleeping task raced with. */
  readonly noFoes?: boolean;
  /** A sleeping task counts as exploring what it does not know, wherever the path has gone. */
  readonly neverLoose?: boolean;
}
