/** `fsport worker`: take part in the runs that are offered on a Redis server. */
import { Command } from 'commander';
import { discover } from '../discovery.js';
import { EXIT } from '../exit-status.js';
import { interruptible } from '../interruptible.js';
import { workersOption } from '../options.js';
import { REDIS, redisOption } from '../queue/address.js';

interface Flags {
  readonly redis: string;
  readonly workers: number;
}

/** The command. */
export function workerCommand(ended: (status: number) => void): Command {
  return new Command('worker')
    .description('work for "fsport run --engine bullmq", on this or another machine, until interrupted')
    .option('--redis <url>', 'Redis server on which runs are offered', redisOption, REDIS)
    .addOption(workersOption('worker threads'))
    .action(async (flags: Flags) => ended(await work(flags)));
}

async function work({ redis, workers }: Flags): Promise<number> {
  const plugins = await discover(process.cwd());
  const { Connection } = await import('../queue/redis.js');
  const { serve } = await import('../queue/serve.js');
  const connection = await Connection.open(redis);
  const note = (text: string): void => {
    process.stderr.write(`fsport: ${text}\n`);
  };
  try {
    await interruptible((stop) => serve(connection, plugins, { threads: workers, stop, note }));
  } finally {
    connection.close();
  }
  return EXIT.ok;
}
