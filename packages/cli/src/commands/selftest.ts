/** `fsport selftest`: is what is installed here able to find anything? Seconds. */
import { CASES, runCase } from '@fsport/conformance/selftest';
import type { DporFaults } from '@fsport/explore';
import { ENGINE_FAULTS, symptomOf } from '@fsport/explore/selftest';
import { Command } from 'commander';
import { EXIT } from '../exit-status.js';

/** What gives a fault of the engine away. */
const SYMPTOMS = { golden: 'another number of executions', lost: 'interleavings are lost' } as const;

/** The command. */
export function selftestCommand(ended: (status: number) => void): Command {
  return new Command('selftest')
    .description('show that the suite finds what it must, and that a broken engine would be noticed')
    .action(() => ended(selftest()));
}

function selftest(): number {
  let wrong = 0;
  const tell = (what: string, name: string, is: string, wanted: string): void => {
    if (is !== wanted) wrong++;
    const verdict = is === wanted ? 'ok   ' : 'WRONG';
    const more = is === wanted ? '' : ` instead of ${wanted}`;
    process.stdout.write(`${verdict}  ${what}  ${name}: ${is}${more}\n`);
  };
  for (const one of CASES) {
    const { verdict, property, ok } = runCase(one);
    tell(
      'suite ',
      one.name,
      outcome(verdict, property, ok),
      outcome(one.outcome.verdict, one.outcome.property, one.outcome.ok),
    );
  }
  tell('engine', 'as it is', symptomOf({}) ?? 'as it must be', 'as it must be');
  for (const [fault, symptom] of ENGINE_FAULTS) {
    tell('engine', `with the fault ${fault}`, noticed({ [fault]: true }), SYMPTOMS[symptom]);
  }
  const total = CASES.length + 1 + ENGINE_FAULTS.length;
  process.stdout.write(`\n${total - wrong} of ${total} as they must be\n`);
  return wrong === 0 ? EXIT.ok : EXIT.internal;
}

function noticed(faults: DporFaults): string {
  const symptom = symptomOf(faults);
  return symptom === null ? 'not noticed' : SYMPTOMS[symptom];
}

function outcome(verdict: string, property: string | null, ok: boolean): string {
  return `${verdict}${property === null ? '' : ` ${property}`}, ${ok ? 'as declared' : 'not as declared'}`;
}
