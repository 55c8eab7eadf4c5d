/** Reads the values of options. */
import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/**
 * A parser of whole numbers.
 *
 * @param least - The smallest allowed.
 * @param most - The largest allowed.
 */
export function whole(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const limits = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number, ${limits}.`);
  };
}

/** A time such as `30s`, `5m` or `4h`, in seconds. */
export function duration(text: string): number {
  const found = /^(\d+)([smh])$/.exec(text);
  const seconds = found === null ? 0 : Number(found[1]) * (UNITS[found[2] as string] as number);
  if (seconds > 0) return seconds;
  throw new InvalidArgumentError('It must be a time such as 30s, 5m or 4h.');
}

/** A text with something in it. */
export function notEmpty(value: string): string {
  if (value.trim() !== '') return value;
  throw new InvalidArgumentError('It must not be empty.');
}

/** Values separated by commas, in one option or in several. */
export function listed(text: string, before: readonly string[] = []): readonly string[] {
  const values = text.split(',').map((value) => value.trim());
  if (values.includes('')) throw new InvalidArgumentError('It must be names separated by commas.');
  return [...before, ...values];
}

/** One value each time the option is given. */
export function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, notEmpty(value)];
}

/** The option that says how many threads work. */
export function workersOption(description: string): Option {
  const option = new Option('-j, --workers <n>', description).argParser(whole(1, 1024));
  return option.default(availableParallelism(), 'one for each processor');
}
