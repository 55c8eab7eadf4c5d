/** The engine's kernel side: tasks, scheduling points, executions. */
export * from './access.js';
export { current, enter } from './current.js';
export { EventLog } from './events.js';
export * from './execution.js';
export { Identity, type IdentitySnapshot } from './identity.js';
export { type Attempt, beginAttempt, retry } from './retry.js';
export * from './scheduler.js';
export { type HistoryEntry, SharedObject, UNKNOWN_STATE } from './shared-object.js';
export { AwaitStep, SharedArray, SharedCounter, SharedVar } from './shared-var.js';
export { choose, condResched, type HeldLock, Step, stepName, type Task, TaskStruct } from './task.js';
