/** The lock audit as text: for each lock and function that takes it, the first check that notices that it keeps nobody out. */
import type { AuditedLock, LockAudit, LockSurvey } from '@fsport/conformance';
import { count, counted, hanging, palette, type TextOptions } from './layout.js';

/** A name of the model in kernel spelling: `ext4_punch_hole`. */
function kernelName(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
}

/**
 * The lines before the audit: what is audited, and with what.
 *
 * @param where - Filesystem and profile.
 * @param surveys - All checks that were selected.
 * @param audited - What there is to audit.
 */
export function auditHead(
  where: { readonly fs: string; readonly profile: string },
  surveys: readonly LockSurvey[],
  audited: readonly AuditedLock[],
): string {
  const passing = surveys.filter(({ verdict }) => verdict === 'pass').length;
  const others = (['notrun', 'fail', 'unknown'] as const).flatMap((verdict) => {
    const checks = surveys.filter((survey) => survey.verdict === verdict).length;
    return checks === 0 ? [] : [`${count(checks)} ${OTHERS[verdict]}`];
  });
  return [
    hanging(
      'LOCKS      -- ',
      `${where.fs} ${where.profile}: taken at ${counted(audited.length, 'place')}, each in turn keeps nobody out`,
    ),
    hanging('CHECKS     -- ', [`asked ${count(passing)}, which pass`, ...others].join('; ')),
  ].join('\n');
}

/** Why a check is not asked. */
const OTHERS = {
  notrun: 'not run',
  fail: 'fail anyway',
  unknown: 'not finished',
} as const;

/** Writes an audit line by line, each lock under its name. */
export class AuditText {
  readonly #options: TextOptions;
  readonly #width: number;
  #lock = '';
  #noticed = 0;
  #total = 0;

  /**
   * @param audited - What there is to audit, in order.
   * @param options - Colours.
   */
  constructor(audited: readonly AuditedLock[], options: TextOptions) {
    this.#options = options;
    this.#width = Math.max(0, ...audited.map(({ within }) => kernelName(within).length));
  }

  /** What was found out about the next one. */
  line(found: LockAudit): string {
    const { lock, within, noticed } = found;
    const c = palette(this.#options);
    const head = lock === this.#lock ? '' : `\n${c.bold(lock)}\n`;
    this.#lock = lock;
    this.#total++;
    if (noticed !== null) this.#noticed++;
    const label = `  ${kernelName(within).padEnd(this.#width)}  `;
    if (noticed === null) return `${head}${hanging(label, c.yellow(this.#nobody(found)), label)}`;
    const { check, property, preemptions } = noticed;
    const switches = preemptions < 0 ? 'over all executions' : counted(preemptions, 'preemption');
    return `${head}${hanging(label, `${check}: ${property}, ${switches}`)}`;
  }

  #nobody({ asked, unfinished }: LockAudit): string {
    if (unfinished === 0)
      return `no check needs it (${count(asked)} take it): a hole in the suite or a redundant lock`;
    const open = `${count(unfinished)} of ${counted(asked, 'check')} not finished`;
    return `unknown: no check has noticed, ${open}; more with --max-executions`;
  }

  /** The last line. */
  summary(): string {
    return `Needed: ${count(this.#noticed)} of ${count(this.#total)}`;
  }
}
