/**
 * The configuration file: options of `fsport run` and of the commands that share them, written down once. Each value is
 * read by the parser of its option, so that a file and a flag mean the same; a flag wins.
 */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '@fsport/core';
import type { StrategyName } from '@fsport/explore';
import { type Command, InvalidArgumentError, type Option } from 'commander';
import { createJiti } from 'jiti';
import { collected, notEmpty } from './options.js';

/** What a configuration file says: every key is the name of an option. */
export interface Config {
  /** `--group`: groups that run if no check and no group is asked for. */
  readonly group?: readonly string[];
  /** `--exclude-group`: groups to leave out. */
  readonly excludeGroup?: readonly string[];
  /** `--exclude`: checks to leave out, each with its reason: `E1 # why`. */
  readonly exclude?: readonly string[];
  /** `--exclude-file`: files of such entries, relative to the configuration. */
  readonly excludeFile?: readonly string[];
  /** `--exclude-own`: names of such files in the packages of the filesystems. */
  readonly excludeOwn?: readonly string[];
  /** `--profile`: profiles. */
  readonly profile?: readonly string[];
  /** `--reporter`: reports to print. */
  readonly reporter?: readonly string[];
  /** `--workers`: worker threads. */
  readonly workers?: number;
  /** `--engine`: what runs the checks. */
  readonly engine?: 'threads' | 'bullmq';
  /** `--redis`: server of the engine `bullmq`. */
  readonly redis?: string;
  /** `--strategy`: how to explore. */
  readonly strategy?: StrategyName;
  /** `--seed`: seed of what is random. */
  readonly seed?: number;
  /** `--max-executions`: executions per check. */
  readonly maxExecutions?: number;
  /** `--max-steps`: steps per execution. */
  readonly maxSteps?: number;
  /** `--time`: time per check, such as `5m`. */
  readonly time?: string;
  /** `--bail`: unexpected verdicts after which the run ends; `true` for the first. */
  readonly bail?: number | true;
  /** `--no-times` if false. */
  readonly times?: boolean;
  /** `--results`: folder of results, relative to the configuration. */
  readonly results?: string;
}

/**
 * Write a configuration: the default export of `fsport.config.ts`.
 *
 * @param config - The configuration.
 * @returns The same object, its keys and values checked by the compiler.
 */
export function defineConfig(config: Config): Config {
  return config;
}

/** A configuration and where it stands. */
export interface FoundConfig {
  /** The file. */
  readonly path: string;
  /** What it says, unchecked. */
  readonly values: Readonly<Record<string, unknown>>;
}

const NAMES = ['fsport.config.ts', 'fsport.config.mts', 'fsport.config.js', 'fsport.config.mjs'] as const;

/** Options of one call, which a file must not set for all of them. */
const OF_ONE_CALL = new Set(['checkList', 'list', 'random', 'resume', 'shard', 'lastFailed', 'changed']);
/** Options that are paths: relative to the file, not to where the command is called. */
const PATHS = new Set(['results', 'excludeFile']);

/**
 * Find and load the configuration of the nearest folder that has one.
 *
 * @param cwd - Where the command is called.
 * @returns `null` if there is none.
 * @throws UsageError `BAD_CONFIG`.
 */
export async function findConfig(cwd: string): Promise<FoundConfig | null> {
  const found = NAMES.map((name) => join(cwd, name)).filter((path) => existsSync(path));
  const [path, other] = found;
  if (path === undefined) return dirname(cwd) === cwd ? null : findConfig(dirname(cwd));
  if (other !== undefined) throw bad(path, `${basename(other)} is there, too. Remove one of them`);
  return { path, values: await load(path) };
}

async function load(path: string): Promise<FoundConfig['values']> {
  // A project finds `defineConfig` here even if the command is installed somewhere else.
  const alias = { '@fsport/cli': fileURLToPath(import.meta.url) };
  const jiti = createJiti(path, { fsCache: false, moduleCache: false, alias });
  let exported: { readonly default?: unknown };
  try {
    exported = await jiti.import(path);
  } catch (error) {
    const text = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    throw bad(path, `loading it throws: ${text}. Mend it`);
  }
  const config = exported.default;
  // Of a module that exports nothing, or undefined, there is the module.
  const isOne =
    typeof config === 'object' && config !== null && !Array.isArray(config) && !('default' in config);
  if (isOne) return config as FoundConfig['values'];
  throw bad(
    path,
    'it has no configuration as its default export. Write "export default defineConfig({...})"',
  );
}

/**
 * Give a command the values of a configuration where no flag does.
 *
 * @param config - The configuration.
 * @param run - The command `run`, which has every option that a configuration can set.
 * @param command - The command that is called: options that it has in common with `run` are set.
 * @throws UsageError `BAD_CONFIG` that names the file and the key.
 */
export function applyConfig({ path, values }: FoundConfig, run: Command, command: Command): void {
  const options = run.options.filter((option) => !OF_ONE_CALL.has(option.attributeName()));
  for (const [key, value] of Object.entries(values)) {
    const option = options.find((one) => one.attributeName() === key);
    if (option === undefined) {
      const known = options.map((one) => one.attributeName()).join(', ');
      throw bad(path, `"${key}" is no option. There are ${known}`);
    }
    const parsed = parsedValue(option, value, path);
    const has = command.options.some(({ flags }) => flags === option.flags);
    const source = command.getOptionValueSource(key);
    if (has && (source === undefined || source === 'default')) {
      command.setOptionValueWithSource(key, parsed, 'config');
    }
  }
}

/** What the parser of an option makes of a value. */
function parsedValue(option: Option, value: unknown, path: string): unknown {
  const key = option.attributeName();
  try {
    if (option.isBoolean() || option.negate) return booleanOf(value);
    if (option.optional && value === true) return true;
    const parse = option.parseArg as ((text: string, before: unknown) => unknown) | undefined;
    const texts = isList(option) ? textsOf(value) : [textOf(value)];
    const placed = PATHS.has(key) ? texts.map((text) => resolve(dirname(path), text)) : texts;
    if (parse === undefined) return placed[0];
    // Entries that are collected may have commas in them; lists are separated by them.
    const arguments_ = option.parseArg === collected ? placed : [placed.join(',')];
    return arguments_.reduce<unknown>((before, text) => parse(text, before), undefined);
  } catch (error) {
    if (error instanceof InvalidArgumentError)
      throw bad(path, `"${key}": ${error.message.replace(/\.$/, '')}`);
    throw error;
  }
}

/** Options whose values are called names, entries or files are lists. */
function isList(option: Option): boolean {
  return option.parseArg === collected || /<names>/.test(option.flags);
}

function booleanOf(value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw new InvalidArgumentError('It must be true or false.');
}

function textsOf(value: unknown): readonly string[] {
  if (Array.isArray(value) && value.length > 0) return value.map(textOf);
  throw new InvalidArgumentError('It must be a list with something in it.');
}

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return notEmpty(String(value));
  throw new InvalidArgumentError(`${JSON.stringify(value) ?? String(value)} is neither a text nor a number.`);
}

function bad(path: string, what: string): UsageError {
  return new UsageError('BAD_CONFIG', { path }, `${path}: ${what}.`);
}
