/** `fsport explain`: say what a token shows, and what each of its switches is for. */
import { Command } from 'commander';
import { EXIT } from '../exit-status.js';
import { replayed } from '../replaying.js';
import { switchesText } from '../switches.js';

/** The command. */
export function explainCommand(ended: (status: number) => void): Command {
  return new Command('explain')
    .description('say what a replay token shows and what each switch is for; exit status 0 whatever it shows')
    .argument('<fs>', 'filesystem')
    .argument('<token>', 'token, as a failure prints it')
    .option('-s, --profile <name>', 'profile (default: the first one that the token fits)')
    .action(async (fs: string, token: string, { profile }: { readonly profile?: string }) => {
      const { shown, text, again } = await replayed(fs, token, profile);
      const switches = shown.failure === null ? [] : switchesText(token, shown, again);
      const why = switches.length === 0 ? [] : ['', '  Switches', ...switches.map((line) => `  - ${line}`)];
      process.stdout.write(`${[text, ...why].join('\n')}\n`);
      ended(EXIT.ok);
    });
}
