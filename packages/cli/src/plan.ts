/** What a run is about to do: enough to see whether results of two calls, or two machines, belong together. */
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

/**
 * The plan of running jobs with what is installed here.
 *
 * @param jobs - The jobs.
 * @param run - The run that this is.
 * @param intent - How they are run.
 */
export function planOf(jobs: readonly Job[], run: string, intent: Intent): Plan {
  const plugins = new Map(jobs.map(({ plugin }) => [plugin.fs.name, plugin]));
  return {
    format: 1,
    run,
    versions: versions(),
    plugins: Object.fromEntries([...plugins].map(([name, plugin]) => [name, identityOf(plugin)])),
    ...intent,
    jobs: jobs.map(jobKey),
  };
}

/**
 * Why results of one plan are not results of another. Shards are not compared.
 *
 * @param wanted - The plan that they should fit.
 * @param plan - The plan of the results.
 * @returns One clause, or `null` if they fit.
 */
export function differenceOf(wanted: Plan, plan: Plan): string | null {
  const { versions, plugins, budgets, bail, jobs, excluded } = plan;
  const installed =
    installedDifference(wanted.versions, versions) ?? pluginDifference(wanted.plugins, plugins);
  if (installed !== null) return installed;
  if (budgetsText(budgets) !== budgetsText(wanted.budgets)) {
    return `the options are "${budgetsText(budgets)}" instead of "${budgetsText(wanted.budgets)}"`;
  }
  if (bail !== wanted.bail)
    return `--bail is ${bail ?? 'not given'} instead of ${wanted.bail ?? 'not given'}`;
  const [more] = without(jobs, wanted.jobs);
  if (more !== undefined) return `"${more}" is selected, too`;
  const [less] = without(wanted.jobs, jobs);
  if (less !== undefined) return `"${less}" is not selected`;
  if (jobs.join('\n') !== wanted.jobs.join('\n')) return 'the order of the checks is another';
  if (JSON.stringify(excluded) !== JSON.stringify(wanted.excluded)) return 'what is left out is another';
  return null;
}

function without(names: readonly string[], others: readonly string[]): readonly string[] {
  const gone = new Set(others);
  return names.filter((name) => !gone.has(name));
}

/** How versions differ from the wanted ones, `null` if they do not. */
export function installedDifference(wanted: Versions, is: Versions): string | null {
  for (const name of ['fsport', 'core', 'node'] as const) {
    if (wanted[name] !== is[name]) return `${name} is ${is[name]} instead of ${wanted[name]}`;
  }
  return wanted.code === is.code ? null : `fsport ${is.fsport} is built from other sources`;
}

/** How filesystem packages differ from the wanted ones, `null` if they do not. More of them do not matter. */
export function pluginDifference(wanted: Plan['plugins'], is: Plan['plugins']): string | null {
  for (const [name, { package: packageName, version, hash }] of Object.entries(wanted)) {
    const other = is[name];
    if (other === undefined) return `there is no filesystem "${name}" (${packageName} ${version})`;
    if (other.package !== packageName) return `"${name}" is ${other.package} instead of ${packageName}`;
    if (other.version !== version) return `${packageName} is ${other.version} instead of ${version}`;
    if (other.hash !== hash) return `the code or the expected.json of ${packageName} is another`;
  }
  return null;
}
