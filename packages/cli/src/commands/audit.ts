/** `fsport audit`: which check needs which lock of a filesystem? */
import { fileURLToPath } from 'node:url';
import {
  type AuditedLock,
  type Check,
  type LockAudit,
  type LockSurvey,
  planAudit,
} from '@fsport/conformance';
import { AuditText, auditHead } from '@fsport/report';
import { Command } from 'commander';
import { Piscina } from 'piscina';
import type { AuditTask } from '../audit-worker.js';
import { discover, type Plugin } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { InOrder } from '../in-order.js';
import { whole, workersOption } from '../options.js';
import { select } from '../selection.js';
import { type SelectionFlags, wantedOf, withSelection } from '../selection-options.js';
import { textOptions } from '../terminal.js';

const WORKER = fileURLToPath(new URL('../audit-worker.js', import.meta.url));
const GROUP = 'auto';

interface Flags extends SelectionFlags {
  readonly workers: number;
  readonly maxExecutions: number;
}

/** The command. */
export function auditCommand(ended: (status: number) => void): Command {
  const command = new Command('audit')
    .description(
      'let each lock in turn keep nobody out, and say which check notices first; exit status 0 whatever it shows',
    )
    .argument('<fs>', 'filesystem');
  return withSelection(command)
    .addOption(workersOption('worker threads; changes no result'))
    .option(
      '--max-executions <n>',
      'executions per check; one that needs more notices nothing',
      whole(1),
      2_000,
    )
    .action(async (fs: string, names: string[], flags: Flags) => {
      const plugins = await discover(process.cwd());
      plugins.get(fs);
      const { filesystems } = select(plugins, wantedOf([fs, ...names], flags), GROUP);
      const pool = new Piscina({ filename: WORKER, minThreads: flags.workers, maxThreads: flags.workers });
      try {
        for (const { plugin, profiles, checks } of filesystems) {
          for (const profile of profiles)
            await new Audit(pool, plugin, profile, flags.maxExecutions).run(checks);
        }
      } finally {
        await pool.destroy();
      }
      ended(EXIT.ok);
    });
}

/** The audit of one filesystem as one profile. */
class Audit {
  readonly #pool: Piscina;
  readonly #plugin: Plugin;
  readonly #profile: string;
  readonly #maxExecutions: number;

  constructor(pool: Piscina, plugin: Plugin, profile: string, maxExecutions: number) {
    this.#pool = pool;
    this.#plugin = plugin;
    this.#profile = profile;
    this.#maxExecutions = maxExecutions;
  }

  async run(checks: readonly Check[]): Promise<void> {
    const surveys: LockSurvey[] = [];
    await this.#all<LockSurvey>(
      checks.map(({ id }) => id),
      'checks as they are',
      (survey) => surveys.push(survey),
    );
    const audited = planAudit(surveys);
    const where = { fs: this.#plugin.fs.name, profile: this.#profile };
    print(`${auditHead(where, surveys, audited)}\n`);
    const text = new AuditText(audited, textOptions());
    await this.#all<LockAudit>(audited, 'locks', (found) => print(`${text.line(found)}\n`));
    print(`\n${text.summary()}\n`);
  }

  /** Have all of them done, and take what comes of them in their order. */
  async #all<T>(
    whats: readonly (string | AuditedLock)[],
    name: string,
    take: (done: T) => void,
  ): Promise<void> {
    const { module, folder, fs } = this.#plugin;
    let done = 0;
    const order = new InOrder<T>(take);
    const one = async (what: string | AuditedLock, index: number): Promise<void> => {
      const task: AuditTask = {
        module,
        folder,
        profile: this.#profile,
        what,
        maxExecutions: this.#maxExecutions,
      };
      const found = (await this.#pool.run(task)) as T;
      progress('');
      order.add(index, found);
      done++;
      if (done < whats.length) progress(`${fs.name} ${this.#profile}  ${done} of ${whats.length} ${name}`);
    };
    await Promise.all(whats.map(one));
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

/** Show how far it is, on a terminal, in one line that is written over and over. */
function progress(line: string): void {
  if (process.stderr.isTTY === true) process.stderr.write(`\r\u001b[K${line}`);
}
