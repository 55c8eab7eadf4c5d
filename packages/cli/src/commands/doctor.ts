/** `fsport doctor`: what is here, and what will not work. */
import { readFileSync } from 'node:fs';
import { CHECKS, type Check, type CheckResult, missingClaims, runCheck } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import type { StrategyName } from '@fsport/explore';
import { Command } from 'commander';
import semver from 'semver';
import { findConfig } from '../config.js';
import { type Inspected, inspect, type Plugin, Plugins } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { notEmpty } from '../options.js';
import { redisOption } from '../queue/address.js';
import { onModel } from '../replaying.js';
import { mustBeWritable } from '../results.js';
import { coreVersion, ownVersion } from '../versions.js';

interface Flags {
  readonly redis?: string;
  readonly results: string;
}

/** One thing that was looked at: what it is, and why it is wrong if it is. */
interface Finding {
  readonly what: string;
  readonly text: string;
  readonly wrong: boolean;
}

/** Executions of the check that each filesystem is tried with, and time for them, at most. */
const TRIED = 2_000;
const TRIED_MS = 1_000;

/** The command. */
export function doctorCommand(ended: (status: number) => void): Command {
  return new Command('doctor')
    .description(
      'say what is installed, which filesystems are found, and what does not work; status 1 if something',
    )
    .option('--redis <url>', 'Redis server to try (default: none)', redisOption)
    .option('--results <folder>', 'folder of results', notEmpty, 'results')
    .action(async (flags: Flags) => ended(await doctor(flags)));
}

async function doctor({ redis, results }: Flags): Promise<number> {
  const cwd = process.cwd();
  const found = [
    node(),
    fine('fsport', `${ownVersion()}, core ${coreVersion()}`),
    await config(cwd),
    ...(await filesystems(cwd)),
    await writable(results),
    await server(redis),
  ];
  for (const { what, text, wrong } of found) {
    process.stdout.write(`${wrong ? 'WRONG' : 'ok   '}  ${what.padEnd(10)}  ${text}\n`);
  }
  return found.some(({ wrong }) => wrong) ? EXIT.unexpected : EXIT.ok;
}

function fine(what: string, text: string): Finding {
  return { what, text, wrong: false };
}

function bad(what: string, text: string): Finding {
  return { what, text, wrong: true };
}

function node(): Finding {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { engines } = JSON.parse(manifest) as { readonly engines: { readonly node: string } };
  const text = `${process.version}, needed is ${engines.node}`;
  return semver.satisfies(process.version, engines.node)
    ? fine('node', text)
    : bad('node', `${text}: install it`);
}

async function config(cwd: string): Promise<Finding> {
  const found = await findConfig(cwd); // what is wrong with it has been said before the command began
  return fine('config', found === null ? 'no fsport.config.ts here or above' : found.path);
}

async function filesystems(cwd: string): Promise<readonly Finding[]> {
  const packages = await attempted('packages', () => inspect(cwd));
  if (!Array.isArray(packages)) return [packages as Finding];
  const usable = (packages as readonly Inspected[]).map(({ outcome }) => outcome);
  const plugins = usable.filter((one): one is Plugin => !(one instanceof UsageError));
  const found = usable.map((one) =>
    one instanceof UsageError ? bad('filesystem', one.message) : tried(one),
  );
  if (found.length === 0) {
    return [
      bad('filesystem', 'none is found. Make a package with the keyword "fsport-filesystem" a dependency'),
    ];
  }
  const together = await attempted('filesystem', async () => new Plugins(plugins));
  return together instanceof Plugins ? found : [...found, together as Finding];
}

async function attempted<T>(what: string, body: () => Promise<T>): Promise<T | Finding> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof UsageError) return bad(what, error.message);
    throw error;
  }
}

/** A filesystem, tried with its first check: does it depend on the schedule alone, and how fast is it? */
function tried(plugin: Plugin): Finding {
  const { fs, packageName, version, expected } = plugin;
  const name = `${fs.name}: ${packageName} ${version} as ${fs.follows.join(', ')}`;
  const profile = fs.follows.at(-1) as string;
  const check = CHECKS.find((one) => missingClaims(fs, one).length === 0) as Check;
  const searched = (strategy: StrategyName): CheckResult => {
    const now = (): number => performance.now();
    const options = { strategy, maxExecutions: TRIED, now, deadline: now() + TRIED_MS };
    return onModel(plugin, profile, () => runCheck(fs, profile, check, expected, options).result);
  };
  const advice = `"fsport run ${fs.name} '${check.id}' -s ${profile}" says where`;
  try {
    if (searched('determinism').property === 'nondeterminism') {
      return bad('filesystem', `${name}; not deterministic: ${advice}`);
    }
    const started = performance.now();
    const { executions } = searched('random');
    const rate = Math.round(executions / ((performance.now() - started) / 1000));
    return fine('filesystem', `${name}; deterministic, ${rate.toLocaleString('en-US')} executions/s`);
  } catch (error) {
    return bad('filesystem', `${name}; ${error instanceof Error ? error.message : String(error)} ${advice}`);
  }
}

async function writable(results: string): Promise<Finding> {
  const what = await attempted('results', async () => mustBeWritable(results));
  return what ?? fine('results', `${results} can be written`);
}

async function server(url: string | undefined): Promise<Finding> {
  if (url === undefined) return fine('redis', 'not tried: --redis names a server');
  const { Connection } = await import('../queue/redis.js');
  const connection = await attempted('redis', () => Connection.open(url, 0));
  if (!(connection instanceof Connection)) return connection;
  connection.close();
  return fine('redis', `${connection.where} can be used`);
}
