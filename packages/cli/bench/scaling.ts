// How many times as fast a run is with several threads, and how much of that the machine has to give.
//
//   node packages/cli/dist-bench/scaling.js [--threads 2] [--rounds 3] [filesystems and checks]
//
// The suite is run with one thread, with several, and as often as there are threads with one thread at the same time: what
// that many runs get done together is what the best division of one run could. Wall time, so nothing else may be running.
// Each is done in every round, and its best time counts: a machine whose processors are shared has slow minutes.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const FSPORT = fileURLToPath(new URL('../bin/fsport.js', import.meta.url));

const { values, positionals } = parseArgs({
  options: {
    threads: { type: 'string', default: String(availableParallelism()) },
    rounds: { type: 'string', default: '1' },
  },
  allowPositionals: true,
});
const threads = Number(values.threads);

/** One run: how long it takes, and what it prints. */
async function run(workers: number): Promise<{ readonly seconds: number; readonly text: string }> {
  const results = mkdtempSync(join(tmpdir(), 'fsport-scaling-'));
  const begin = performance.now();
  const child = spawn(
    process.execPath,
    [FSPORT, 'run', ...positionals, '-j', String(workers), '--no-times', '--results', results],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) text += chunk as string;
  const seconds = (performance.now() - begin) / 1000;
  rmSync(results, { recursive: true });
  // Where results are is all that differs.
  return { seconds, text: text.replaceAll(results, 'results') };
}

const times: { readonly one: number; readonly several: number; readonly together: number }[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  const one = await run(1);
  const several = await run(threads);
  if (several.text !== one.text) throw new Error(`-j ${threads} prints something else than -j 1`);
  const begin = performance.now();
  await Promise.all(Array.from({ length: threads }, () => run(1)));
  const together = (performance.now() - begin) / 1000;
  times.push({ one: one.seconds, several: several.seconds, together: together / threads });
}

console.table([
  row('-j 1', 'one'),
  row(`-j ${threads}`, 'several'),
  row(`each of ${threads} runs with -j 1 at once`, 'together'),
]);

function row(what: string, which: keyof (typeof times)[number]): object {
  const seconds = times.map((round) => round[which]);
  const best = Math.min(...seconds);
  const fastest = Math.min(...times.map(({ one }) => one));
  return {
    what,
    seconds: seconds.map(Math.round).join(', '),
    'times as fast': Number((fastest / best).toFixed(2)),
  };
}
