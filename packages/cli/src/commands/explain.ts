/** `fsport explain`: say what a token shows, and why. */
import { Command } from 'commander';
import { EXIT } from '../exit-status.js';
import { replayed } from '../replaying.js';

/** The command. */
export function explainCommand(ended: (status: number) => void): Command {
  return new Command('explain')
    .description('say what a replay token shows and why; exit status 0 whatever it shows')
    .argument('<fs>', 'filesystem')
    .argument('<token>', 'token, as a failure prints it')
    .option('-s, --profile <name>', 'profile (default: the first one that the token fits)')
    .action(async (fs: string, token: string, { profile }: { readonly profile?: string }) => {
      process.stdout.write(`${(await replayed(fs, token, profile)).text}\n`);
      ended(EXIT.ok);
    });
}
