/** Which checks run, on which filesystems, as which profiles. */
import { CHECKS, type Check, GROUPS, selectChecks } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { readCheckList } from './check-list.js';
import type { Plugin, Plugins } from './discovery.js';
import { type Excluded, parseEntry, readExcludeFile, readOwnExcludeFiles } from './exclude.js';
import { checksWrittenAt } from './written-at.js';

/** What the user asks for. */
export interface Wanted {
  /** Filesystems and checks, mixed. */
  readonly names: readonly string[];
  /** Files that list checks. */
  readonly checkList: readonly string[];
  /** Groups. */
  readonly group: readonly string[];
  /** Groups to leave out. */
  readonly excludeGroup: readonly string[];
  /** Checks to leave out, each with its reason. */
  readonly exclude: readonly string[];
  /** Files of checks to leave out. */
  readonly excludeFile: readonly string[];
  /** Names of such files in the packages of the filesystems. */
  readonly excludeOwn: readonly string[];
  /** Profiles; all if empty. */
  readonly profile: readonly string[];
}

/** What runs on one filesystem. */
export interface Selected {
  /** The filesystem. */
  readonly plugin: Plugin;
  /** Its profiles. */
  readonly profiles: readonly string[];
  /** Checks, in the order of the suite. */
  readonly checks: readonly Check[];
}

/** What runs. */
export interface Selection {
  /** By name of the filesystem. */
  readonly filesystems: readonly Selected[];
  /** Checks left out by the user. */
  readonly excluded: readonly Excluded[];
}

/**
 * Work out what runs.
 *
 * @param plugins - The filesystems there are.
 * @param wanted - What is asked for.
 * @param group - The group that runs if no check and no group is asked for; `null` for all checks.
 * @throws UsageError `UNKNOWN_CHECK`, `BAD_LIST`, `UNKNOWN_GROUP`, `UNKNOWN_PROFILE`, `BAD_EXCLUDE` or `NOTHING_SELECTED`.
 */
export function select(plugins: Plugins, wanted: Wanted, group: string | null): Selection {
  const names = wanted.names.filter((name) => plugins.has(name));
  const patterns = wanted.names.filter((name) => !plugins.has(name));
  const used = names.length === 0 ? plugins.all() : plugins.all().filter((one) => names.some(isNameOf(one)));
  if (used.length === 0)
    throw nothing('No filesystem package was found. Make one a dependency of this package');
  const chosen = selectAll(plugins, patterns, wanted, group);
  const own = wanted.excludeOwn.map((name) => readOwnExcludeFiles(used, name));
  const general = entriesOf(wanted);
  const excluded: Excluded[] = [...reasonsOf(general, chosen)];
  const filesystems = used.flatMap((plugin) => {
    const more = reasonsOf(
      own.flatMap((files) => files.get(plugin) ?? []),
      chosen,
    );
    excluded.push(...more.map(({ check, reason }) => ({ check: `${plugin.fs.name} ${check}`, reason })));
    const gone = new Set([...reasonsOf(general, chosen), ...more].map(({ check }) => check));
    const checks = chosen.filter(({ id }) => !gone.has(id));
    const profiles = profilesOf(plugin, used, wanted.profile);
    return checks.length === 0 || profiles.length === 0 ? [] : [{ plugin, profiles, checks }];
  });
  if (filesystems.length === 0)
    throw nothing('Nothing is left to run. Leave out less, or ask for other groups');
  return { filesystems, excluded };
}

function isNameOf({ fs }: Plugin): (name: string) => boolean {
  return (name) => name.replace(/^fs-/, '') === fs.name;
}

function nothing(what: string): UsageError {
  return new UsageError('NOTHING_SELECTED', {}, `${what}; "fsport list" prints all checks.`);
}

function selectAll(
  plugins: Plugins,
  patterns: readonly string[],
  { checkList, group }: Wanted,
  otherwise: string | null,
): readonly Check[] {
  if (patterns.length + checkList.length + group.length === 0) {
    return otherwise === null ? CHECKS : inGroup(otherwise);
  }
  const wanted = new Set([
    ...patterns.flatMap((pattern) => named(plugins, pattern)),
    ...checkList.flatMap(readCheckList),
    ...group.flatMap((name) => inGroup(mustBeGroup(name, '--group'))),
  ]);
  return CHECKS.filter((check) => wanted.has(check));
}

function named(plugins: Plugins, pattern: string): readonly Check[] {
  const written = checksWrittenAt(pattern);
  if (written !== null) return written;
  try {
    return selectChecks(CHECKS, pattern);
  } catch {
    const known = plugins.all().map(({ fs }) => fs.name);
    throw new UsageError(
      'UNKNOWN_CHECK',
      { check: pattern },
      `"${pattern}" is no filesystem (there are ${known.join(', ')}) and fits no check ("fsport list" prints them; ` +
        'globs such as "pair/pread-*" and short names such as E1 work).',
    );
  }
}

/**
 * A name that must be that of a group.
 *
 * @param option - Where it stands, for the message.
 * @returns The name.
 * @throws UsageError `UNKNOWN_GROUP`.
 */
export function mustBeGroup(name: string, option: string): string {
  if (Object.hasOwn(GROUPS, name)) return name;
  const known = Object.keys(GROUPS).join(', ');
  const text = `${option}: there is no group "${name}". There are ${known}.`;
  throw new UsageError('UNKNOWN_GROUP', { group: name }, text);
}

function inGroup(name: string): readonly Check[] {
  return CHECKS.filter((check) => check.groups.includes(name));
}

/** What the user leaves out on every filesystem. */
function entriesOf(wanted: Wanted): readonly Excluded[] {
  return [
    ...wanted.excludeGroup.flatMap((name) =>
      inGroup(mustBeGroup(name, '--exclude-group')).map(({ id }) => ({
        check: id,
        reason: `in group ${name}`,
      })),
    ),
    ...wanted.exclude.flatMap((entry) => parseEntry(entry, '--exclude')),
    ...wanted.excludeFile.flatMap(readExcludeFile),
  ];
}

/** The entries that are about chosen checks, the first one for each, in the order of the suite. */
function reasonsOf(entries: readonly Excluded[], chosen: readonly Check[]): readonly Excluded[] {
  return chosen.flatMap(({ id }) => entries.find(({ check }) => check === id) ?? []);
}

/** Those profiles of a filesystem that are asked for. */
function profilesOf(plugin: Plugin, used: readonly Plugin[], wanted: readonly string[]): readonly string[] {
  const known = new Set(used.flatMap(({ fs }) => fs.follows));
  const unknown = wanted.find((profile) => !known.has(profile));
  if (unknown !== undefined) {
    throw new UsageError(
      'UNKNOWN_PROFILE',
      { profile: unknown },
      `--profile: ${used.map(({ fs }) => fs.name).join(', ')} does not follow "${unknown}", only ${[...known].join(', ')}.`,
    );
  }
  return plugin.fs.follows.filter((one) => wanted.length === 0 || wanted.includes(one));
}
