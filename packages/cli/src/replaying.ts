/** Replays a token on a filesystem, as the profile that it fits. */
import { runInNewContext } from 'node:vm';
import {
  CHECKS,
  type Check,
  type CheckTrace,
  type ReplayedCheck,
  replayCheck,
  traceCheck,
  unsearched,
} from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { parseToken } from '@fsport/explore';
import { explainText, type Where } from '@fsport/report';
import { discover, type Plugin } from './discovery.js';
import { textOptions } from './terminal.js';
import { thrownBy } from './thrown.js';
import { neverYields, PATIENCE_SECONDS } from './watchdog.js';

/** A replayed token and where it was replayed. */
export interface Replayed {
  /** What it shows. */
  readonly shown: ReplayedCheck;
  /** Filesystem and profile. */
  readonly where: Where;
  /** That as text. */
  readonly text: string;
  /** Replays another token on the same filesystem and profile. */
  readonly again: (token: string) => ReplayedCheck;
  /** Replays it with all that can be known. */
  readonly trace: () => CheckTrace;
}

/**
 * Replay a token.
 *
 * @param name - The filesystem.
 * @param token - The token.
 * @param profile - Its profile; the first one that the token fits if undefined.
 * @throws UsageError `UNKNOWN_FS`, `UNKNOWN_PROFILE`, `UNKNOWN_CHECK`, `BAD_TOKEN`, `OLD_TOKEN`, `STALE_TOKEN`, or
 * `BAD_PLUGIN` if the filesystem throws before anything can be replayed.
 */
export async function replayed(name: string, token: string, profile: string | undefined): Promise<Replayed> {
  const plugin = (await discover(process.cwd())).get(name);
  const { fs, expected } = plugin;
  if (profile !== undefined) mustFollow(plugin, profile, '--profile');
  const profiles = profile === undefined ? fs.follows : [profile];
  const misfits: UsageError[] = [];
  for (const one of profiles) {
    try {
      const shown = replayOn(plugin, one, token);
      const where = { fs: fs.name, profile: one };
      return {
        shown,
        where,
        text: explainText(shown, where, textOptions()),
        again: (other) => replayOn(plugin, one, other),
        trace: () => onModel(plugin, one, () => traceCheck(fs, one, token, expected)),
      };
    } catch (error) {
      if (!(error instanceof UsageError) || error.code !== 'STALE_TOKEN') throw error;
      misfits.push(error);
    }
  }
  throw closest(misfits);
}

/**
 * @param where - Where the profile stands, for the message.
 * @throws UsageError `UNKNOWN_PROFILE` if the filesystem does not follow the profile.
 */
export function mustFollow({ fs }: Plugin, profile: string, where: string): void {
  if (fs.follows.includes(profile)) return;
  throw new UsageError(
    'UNKNOWN_PROFILE',
    { fs: fs.name, profile },
    `${where}: ${fs.name} does not follow "${profile}". It follows ${fs.follows.join(', ')}.`,
  );
}

/** The misfit that came furthest: the token was most likely made for that profile. */
function closest(misfits: readonly UsageError[]): UsageError {
  const step = ({ data }: UsageError): number => Number(data['step']);
  return misfits.reduce((best, one) => (step(one) > step(best) ? one : best));
}

function replayOn(plugin: Plugin, profile: string, token: string): ReplayedCheck {
  const replay = (): ReplayedCheck => replayCheck(plugin.fs, profile, token, plugin.expected);
  return onModel(plugin, profile, replay, () => spinning(plugin, profile, token));
}

/**
 * Run something on a filesystem in this thread.
 *
 * @param plugin - The filesystem.
 * @param profile - Its profile.
 * @param run - What to run.
 * @param late - What it is if it computes for ever; by default that is an error.
 * @throws UsageError `BAD_PLUGIN` if the filesystem throws where no task runs, and what `run` throws.
 */
export function onModel<T>(plugin: Plugin, profile: string, run: () => T, late?: () => T): T {
  const { fs, packageName, folder } = plugin;
  try {
    return runInNewContext('run()', { run }, { timeout: PATIENCE_SECONDS * 1000 }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
      if (late !== undefined) return late();
      const { message, because } = neverYields(`${fs.name}@${profile}`, packageName);
      throw new UsageError('BAD_PLUGIN', { plugin: packageName }, `${message}: ${because.join('; ')}.`);
    }
    const thrown = error instanceof UsageError ? null : thrownBy(error, folder);
    if (thrown === null) throw error;
    const where = thrown.because.join('; ');
    throw new UsageError(
      'BAD_PLUGIN',
      { plugin: packageName },
      `${packageName} cannot be mounted as ${profile}: ${thrown.message} (${where}). Mend it.`,
    );
  }
}

/** What a token shows that does not come to its end. */
function spinning({ fs, packageName, expected }: Plugin, profile: string, token: string): ReplayedCheck {
  const check = CHECKS.find(({ id }) => id === parseToken(token).check) as Check;
  const ended = { verdict: 'fail', reason: null, failure: neverYields('the replay', packageName) } as const;
  const { failure } = unsearched(fs, profile, check, expected, ended);
  return { check, failure, steps: [] };
}
