// Compares the reduced search with plain enumeration on as many fresh programs as there is time for.
//
//   node packages/explore/dist-bench/soundness.js --programs 100000 [--seed 1] [--cap 200]
//
// Prints the seed of every program that loses, invents or confuses traces; each belongs among the programs that
// `test/soundness.test.ts` knows by number. The exit status is 1 if there is one.

import { parseArgs } from 'node:util';
import { compare, type Kind } from '@fsport/explore/selftest';

const { values } = parseArgs({
  options: {
    programs: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now()) },
    cap: { type: 'string', default: '200' },
  },
});
const [programs, first, cap] = [Number(values.programs), Number(values.seed), Number(values.cap)];
console.log(`${programs} programs of up to ${cap} interleavings, from seed ${first}`);

/** More of what there is more of in models. */
const KINDS: readonly Kind[] = ['plain', 'plain', 'plain', 'reckless', 'choosing'];

const total = { traces: 0, executions: 0, blocked: 0, wrong: 0 };
for (let done = 0, seed = first; done < programs; seed++) {
  const kind = KINDS[seed % KINDS.length] as Kind;
  const found = compare(seed, cap, {}, kind);
  if (found === null) continue;
  done++;
  total.traces += found.traces;
  total.executions += found.executions;
  total.blocked += found.blocked;
  const { lost, invented, ambiguous } = found;
  if (lost + invented + ambiguous === 0) continue;
  total.wrong++;
  console.log(`${kind} program ${seed}: ${lost} lost, ${invented} invented, ${ambiguous} ambiguous`);
}
console.log(JSON.stringify(total));
process.exitCode = total.wrong === 0 ? 0 : 1;
