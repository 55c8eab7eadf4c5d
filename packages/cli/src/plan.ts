/** What a run is about to do: enough to see whether results of two calls, or two machines, belong together. */
import { randomUUID } from 'node:crypto';
import { type Budgets, budgetsText } from './budgets.js';
import type { Excluded } from './exclude.js';
import { identityOf, type PluginIdentity, type Versions, versions } from './identity.js';
import { type Job, jobKey } from './jobs.js';
import type { Shard } from './shard.js';

/** The plan of a run, first line of its journal. */
export interface Plan {
  /** Format of the journal. */
  readonly format: 1;
  /** Different for each run; one that goes on keeps it. */
  readonly run: string;
  /** What runs the models. */
  readonly versions: Versions;
  /** Filesystem packages by the name of the filesystem. */
  readonly plugins: Readonly<Record<string, PluginIdentity>>;
  /** Strategy and budgets. */
  readonly budgets: Budgets;
  /** Unexpected verdicts after which the run ends, `null` for no limit. */
  readonly bail: number | null;
  /** What the user left out. */
  readonly excluded: readonly Excluded[];
  /** Every selected job, by name, in the order of the report. */
  readonly jobs: readonly string[];
  /** Which of them run here, `null` for all. */
  readonly shard: Shard | null;
}

/** What decides over a plan. */
export type Intent = Pick<Plan, 'budgets' | 'bail' | 'excluded' | 'shard'>;

/** The plan of running jobs with what is installed here. */
export function planOf(jobs: readonly Job[], intent: Intent): Plan {
  const plugins = new Map(jobs.map(({ plugin }) => [plugin.fs.name, plugin]));
  return {
    format: 1,
    run: randomUUID(),
    versions: versions(),
    plugins: Object.fromEntries([...plugins].map(([name, plugin]) => [name, identityOf(plugin)])),
    ...intent,
    jobs: jobs.map(jobKey),
  };
}

/**
 * Why results of one plan are not results of another. Shards are not compared.
 *
 * @param was - The plan of the results.
 * @param is - The plan that they should fit.
 * @returns One clause, or `null` if they fit.
 */
export function differenceOf(was: Plan, is: Plan): string | null {
  const installed =
    installedDifference(was.versions, is.versions) ?? pluginDifference(was.plugins, is.plugins);
  if (installed !== null) return installed;
  if (budgetsText(was.budgets) !== budgetsText(is.budgets)) {
    return `the options were "${budgetsText(was.budgets)}" and are "${budgetsText(is.budgets)}"`;
  }
  if (was.bail !== is.bail) return `--bail was ${was.bail ?? 'not given'} and is ${is.bail ?? 'not given'}`;
  const one =
    was.jobs.find((job) => !is.jobs.includes(job)) ?? is.jobs.find((job) => !was.jobs.includes(job));
  if (one !== undefined) return `"${one}" is selected in only one of them`;
  if (was.jobs.join('\n') !== is.jobs.join('\n')) return 'the order of the checks is another';
  if (JSON.stringify(was.excluded) !== JSON.stringify(is.excluded)) return 'what is left out is another';
  return null;
}

/** How versions differ, `null` if they do not. */
export function installedDifference(was: Versions, is: Versions): string | null {
  for (const name of ['fsport', 'core', 'node'] as const) {
    if (was[name] !== is[name]) return `${name} was ${was[name]} and is ${is[name]}`;
  }
  return was.code === is.code ? null : `the code of fsport ${is.fsport} is another`;
}

/** How filesystem packages differ, `null` if they do not. Packages that only the second one has do not matter. */
export function pluginDifference(was: Plan['plugins'], is: Plan['plugins']): string | null {
  for (const [name, plugin] of Object.entries(was)) {
    const other = is[name];
    if (other === undefined) return `there is no filesystem "${name}" (${plugin.package} ${plugin.version})`;
    if (other.package !== plugin.package) return `"${name}" was ${plugin.package} and is ${other.package}`;
    if (other.version !== plugin.version) {
      return `${plugin.package} was ${plugin.version} and is ${other.version}`;
    }
    if (other.hash !== plugin.hash) return `the code or the expected.json of ${plugin.package} is another`;
  }
  return null;
}
