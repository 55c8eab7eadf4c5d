/** `fsport explain`: what a token shows, and what each switch in it is for. */
import { hanging, TRACE_FORMATS } from '@fsport/report';
import { Command, Option } from 'commander';
import { EXIT } from '../exit-status.js';
import { notEmpty } from '../options.js';
import { type Replayed, replayed } from '../replaying.js';
import { switchesText } from '../switches.js';

interface Flags {
  readonly profile?: string;
  readonly format: string;
}

/** What it shows, and what happens without each switch. */
function withSwitches(token: string, { shown, text, again }: Replayed): string {
  const switches = shown.failure === null ? [] : switchesText(token, shown, again);
  const why =
    switches.length === 0 ? [] : ['', '  Switches', ...switches.map((line) => hanging('  - ', line))];
  return `${[text, ...why].join('\n')}\n`;
}

/** The command. */
export function explainCommand(ended: (status: number) => void): Command {
  return new Command('explain')
    .description('say what a replay token shows and what each switch is for; exit status 0 whatever it shows')
    .argument('<fs>', 'filesystem')
    .argument('<token>', 'token, as a failure prints it')
    .option('-s, --profile <name>', 'profile (default: the first one that the token fits)', notEmpty)
    .addOption(
      new Option('--format <name>', 'form in which it is shown')
        .choices(['text', ...Object.keys(TRACE_FORMATS)])
        .default('text'),
    )
    .action(async (fs: string, token: string, { profile, format }: Flags) => {
      const found = await replayed(fs, token, profile);
      const shape = TRACE_FORMATS[format];
      process.stdout.write(
        shape === undefined ? withSwitches(token, found) : shape(found.trace(), found.where),
      );
      ended(EXIT.ok);
    });
}
