/** What the audit runs in a worker thread: the survey of one check, or the audit of one lock. */
import {
  type AuditedLock,
  auditLock,
  CHECKS,
  type Check,
  type LockAudit,
  type LockSurvey,
  surveyLocks,
} from '@fsport/conformance';
import type { FileSystemType } from '@fsport/core';
import { thrownBy } from './thrown.js';

/** One of the two, as it travels to a worker. */
export interface AuditTask {
  /** URL of the module of the filesystem. */
  readonly module: string;
  /** Folder of its package. */
  readonly folder: string;
  /** Profile. */
  readonly profile: string;
  /** Id of a check to be surveyed, or a lock to be audited. */
  readonly what: string | AuditedLock;
  /** Executions per check. */
  readonly maxExecutions: number;
}

process.setSourceMapsEnabled(true);

/** Run it. */
export default async function work(task: AuditTask): Promise<LockSurvey | LockAudit> {
  const { module, folder, profile, what, maxExecutions } = task;
  const { default: fs } = (await import(module)) as { default: FileSystemType };
  if (typeof what !== 'string') return auditLock(fs, profile, what, CHECKS, { maxExecutions });
  const check = CHECKS.find(({ id }) => id === what) as Check;
  try {
    return surveyLocks(fs, profile, check, { maxExecutions });
  } catch (error) {
    // What a run says of it is that the check fails.
    if (thrownBy(error, folder) === null) throw error;
    return { check: what, verdict: 'fail', executions: 0, places: [] };
  }
}
