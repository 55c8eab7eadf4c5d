/** `fsport diff`: one schedule on two filesystems, or on two profiles of one. */
import { type Followed, followToken } from '@fsport/conformance';
import { UsageError } from '@fsport/core';
import { diffText, type Side } from '@fsport/report';
import { Command } from 'commander';
import { discover, type Plugin } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { mustFollow, onModel } from '../replaying.js';
import { textOptions } from '../terminal.js';

/** A filesystem as it was named. */
interface Named {
  readonly plugin: Plugin;
  /** Its profile, `null` if none was named. */
  readonly profile: string | null;
}

/** The command. */
export function diffCommand(ended: (status: number) => void): Command {
  return new Command('diff')
    .description('say where one schedule parts on two filesystems; exit status 0 whatever it shows')
    .argument('<fs1>', 'filesystem, or filesystem@profile')
    .argument('<fs2>', 'another one, or the same with another profile')
    .argument('<token>', 'token, as a failure prints it')
    .action(async (first: string, second: string, token: string) => {
      const plugins = await discover(process.cwd());
      const named = [first, second].map((text): Named => {
        const [name, profile] = text.split(/@(.*)/s) as [string, string?];
        const plugin = plugins.get(name);
        if (profile !== undefined) mustFollow(plugin, profile, text);
        return { plugin, profile: profile ?? null };
      });
      const [left, right] = sidesOf(named as [Named, Named], token);
      process.stdout.write(`${diffText(left, right, textOptions())}\n`);
      ended(EXIT.ok);
    });
}

/** Both sides; a profile that was not named is the one at which the other side is, or the first that fits the token. */
function sidesOf([first, second]: readonly [Named, Named], token: string): readonly [Side, Side] {
  const left = first.profile ?? closest(first.plugin, token, second.profile);
  const right = second.profile ?? alike(second.plugin, left);
  if (first.plugin === second.plugin && left === right) {
    const { name, follows } = first.plugin.fs;
    const what = `Both are ${name}@${left}. Name two profiles, such as ${follows.map((one) => `${name}@${one}`).join(' ')}.`;
    throw new UsageError('SAME_SIDES', { fs: name, profile: left }, what);
  }
  return [sideOf(first.plugin, left, token), sideOf(second.plugin, right, token)];
}

function sideOf(plugin: Plugin, profile: string, token: string): Side {
  return { where: { fs: plugin.fs.name, profile }, followed: followed(plugin, profile, token) };
}

function followed(plugin: Plugin, profile: string, token: string): Followed {
  return onModel(plugin, profile, () => followToken(plugin.fs, profile, token));
}

/** The profile of a filesystem that has the name of another's, or its first one. */
function alike({ fs }: Plugin, profile: string): string {
  return fs.follows.includes(profile) ? profile : fs.follows[0];
}

/** The profile on which a token goes furthest, not that of the other side if it can be helped. */
function closest(plugin: Plugin, token: string, other: string | null): string {
  const { fs } = plugin;
  const profiles = fs.follows.filter((profile) => profile !== other || fs.follows.length === 1);
  const reach = ({ steps, obstacle }: Followed): number =>
    obstacle === null ? Number.MAX_SAFE_INTEGER : steps.length;
  const reaches = profiles.map((profile) => reach(followed(plugin, profile, token)));
  return profiles[reaches.indexOf(Math.max(...reaches))] as string;
}
