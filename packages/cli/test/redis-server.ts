// Starts a Redis server of its own for a test, on a free port, and other processes that are to be killed.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { BIN, type Called, type Project } from './command.js';

export const HAS_REDIS = spawnSync('redis-server', ['--version']).status === 0;

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A process and what it has written so far. */
export class Background {
  readonly child: ChildProcess;
  readonly #closed: Promise<unknown>;
  stdout = '';
  stderr = '';

  constructor(command: string, args: readonly string[], cwd?: string) {
    this.child = spawn(command, args, { cwd });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#closed = once(this.child, 'close');
  }

  /** Call `fsport` in a project. */
  static fsport(project: Project, ...args: string[]): Background {
    return new Background(process.execPath, [BIN, ...args], project.folder);
  }

  /** Wait until it has written something. */
  async wrote(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    const from = this.child[stream];
    while (from !== null && !pattern.test(this[stream])) {
      if (this.child.exitCode !== null) throw new Error(`it ended: ${this.stdout}${this.stderr}`);
      await Promise.race([once(from, 'data'), this.#closed]);
    }
  }

  /** Wait for its end. */
  async ended(): Promise<Called> {
    await this.#closed;
    return { status: this.child.exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.#closed;
  }
}

/** A Redis server that keeps nothing on disk. */
export class RedisServer {
  readonly port: number;
  readonly #process: Background;

  private constructor(port: number, running: Background) {
    this.port = port;
    this.#process = running;
  }

  static async start(port?: number): Promise<RedisServer> {
    const used = port ?? (await freePort());
    const args = ['--port', `${used}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const running = new Background('redis-server', args);
    await running.wrote('stdout', /Ready to accept connections/);
    return new RedisServer(used, running);
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await this.#process.kill();
  }
}
