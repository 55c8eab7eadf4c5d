// How much memory a long search takes: a search of one scenario, with the resident set as it goes on.
//
//   node packages/explore/dist-bench/memory.js [--executions 10000000]

import { parseArgs } from 'node:util';
import { search } from '@fsport/explore';
import { punchRace } from '@fsport/explore/selftest';

const { values } = parseArgs({ options: { executions: { type: 'string', default: '10000000' } } });

const { stopped, executions } = search(punchRace({ pages: 3, readers: 3, fixed: true, fair: false }), {
  strategy: 'dpor',
  cutRetries: false,
  maxExecutions: Number(values.executions),
  progressEvery: 2 ** 20,
  onProgress: (progress) => {
    console.log(`${progress.executions} executions: ${megabytes(process.memoryUsage.rss())} MB`);
  },
});
const most = megabytes(process.resourceUsage().maxRSS * 1024);
console.log(`${executions} executions, stopped by ${stopped}: at most ${most} MB`);

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
