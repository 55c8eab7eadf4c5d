/**
 * What an event did, as a list of accesses, and whether two such lists commute.
 */
import { type Access, dependent, type EventLog } from '@fsport/core';

/** The accesses of one event, kept after its execution is gone. */
export interface Label {
  /** Object ids. */
  readonly objects: readonly number[];
  /** What was done to each, by outcome. */
  readonly accesses: readonly Access[];
  /** `true` for an event that ended the execution by throwing: it commutes with nothing. */
  readonly fatal: boolean;
}

/** Is there an object on which two labels conflict? */
export function clash(one: Label, other: Label): boolean {
  if (one.fatal || other.fatal) return true;
  return one.objects.some((object, i) =>
    other.objects.some(
      (its, at) => its === object && dependent(one.accesses[i] as Access, other.accesses[at] as Access),
    ),
  );
}

/** Does a label do everything that another one does? */
export function includes(all: Label, some: Label): boolean {
  return some.objects.every((object, i) =>
    all.objects.some((its, at) => its === object && all.accesses[at] === some.accesses[i]),
  );
}

/**
 * Is there an object on which an event and a label conflict?
 *
 * @param events - The log.
 * @param event - The event, which did not throw.
 * @param label - The label.
 */
export function conflicts(events: EventLog, event: number, label: Label): boolean {
  if (label.fatal) return true;
  const { objects, accesses } = label;
  const end = events.first[event + 1] as number;
  for (let at = events.first[event] as number; at < end; at++) {
    const object = events.object[at] as number;
    const access = events.access[at] as Access;
    for (let i = 0; i < objects.length; i++) {
      if (objects[i] === object && dependent(access, accesses[i] as Access)) return true;
    }
  }
  return false;
}
