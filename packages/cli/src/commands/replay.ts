/** `fsport replay`: run the one schedule of a token. */
import { Command } from 'commander';
import { EXIT } from '../exit-status.js';
import { notEmpty } from '../options.js';
import { replayed } from '../replaying.js';

/** The command. */
export function replayCommand(ended: (status: number) => void): Command {
  return new Command('replay')
    .description('run the schedule of a replay token; exit status 1 if it fails')
    .argument('<fs>', 'filesystem')
    .argument('<token>', 'token, as a failure prints it')
    .option('-s, --profile <name>', 'profile (default: the first one that the token fits)', notEmpty)
    .action(async (fs: string, token: string, { profile }: { readonly profile?: string }) => {
      const { shown, text } = await replayed(fs, token, profile);
      process.stdout.write(`${text}\n`);
      ended(shown.failure === null ? EXIT.ok : EXIT.unexpected);
    });
}
