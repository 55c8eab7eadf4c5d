/** Replays a token on a filesystem, as the profile that it fits. */
import { type ReplayedCheck, replayCheck } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { explainText } from '@fsport/report';
import { discover, type Plugin } from './discovery.js';
import { textOptions } from './terminal.js';
import { thrownBy } from './thrown.js';

/** A replayed token and where it was replayed. */
export interface Replayed {
  /** What it shows. */
  readonly shown: ReplayedCheck;
  /** That as text. */
  readonly text: string;
  /** Replays another token on the same filesystem and profile. */
  readonly again: (token: string) => ReplayedCheck;
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
  const { fs } = plugin;
  if (profile !== undefined && !fs.follows.includes(profile)) {
    throw new UsageError(
      'UNKNOWN_PROFILE',
      { fs: fs.name, profile },
      `${fs.name} does not follow "${profile}". It follows ${fs.follows.join(', ')}.`,
    );
  }
  const profiles = profile === undefined ? fs.follows : [profile];
  const misfits: UsageError[] = [];
  for (const one of profiles) {
    try {
      const shown = replayOn(plugin, one, token);
      const text = explainText(shown, { fs: fs.name, profile: one }, textOptions());
      return { shown, text, again: (other) => replayOn(plugin, one, other) };
    } catch (error) {
      if (!(error instanceof UsageError) || error.code !== 'STALE_TOKEN') throw error;
      misfits.push(error);
    }
  }
  throw closest(misfits);
}

/** The misfit that came furthest: the token was most likely made for that profile. */
function closest(misfits: readonly UsageError[]): UsageError {
  const step = ({ data }: UsageError): number => Number(data['step']);
  return misfits.reduce((best, one) => (step(one) > step(best) ? one : best));
}

function replayOn({ fs, packageName, folder }: Plugin, profile: string, token: string): ReplayedCheck {
  try {
    return replayCheck(fs, profile, token);
  } catch (error) {
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
