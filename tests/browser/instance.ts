import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { addProbes } from './probes';

/** A person with an account. */
export interface Account {
  name: string;
  password: string;
}

const PROGRAM = resolve(process.env.WEBSCRIPTS_BIN ?? '../../target/debug/webscripts');
const READY = /^WebScripts listens on (http:\/\/127\.0\.0\.1:\d+)\/$/;
const START_LIMIT_MS = 30_000;

/** A running server with the sample scripts, its administrator and a user with few rights. */
export class Instance {
  private constructor(
    /** Scheme, host and port, without a slash at the end. */
    readonly url: string,
    /** May run everything. */
    readonly administrator: Account,
    /** Has the rights of an ordinary user: may not run the scripts of administrators. */
    readonly visitor: Account,
    private readonly folder: string,
    private readonly server: Server,
  ) {}

  /**
   * Makes an instance as the README does, adds the second user and the probes and starts it again.
   * Failed sign-ins do not lock the address here: all tests come from the same one.
   */
  static async start(): Promise<Instance> {
    const folder = await mkdtemp(join(tmpdir(), 'webscripts-browser-'));
    const directory = join(folder, 'demo');
    const administrator = await makeDemo(directory);
    const visitor = { name: 'visitor', password: 'seven green rowing boats' };
    await addUser(visitor, folder, directory);
    await addProbes(directory);
    await configure(directory);
    const place = ['--directory', directory, '--port', '0'];
    const server = new Server(['serve', ...place, '--auth-failures-to-blacklist', '100000']);
    return new Instance(await server.line(READY), administrator, visitor, folder, server);
  }

  /** Stops the server and checks that it ends well. */
  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Lets the program make the instance and reads who may administer it. */
async function makeDemo(directory: string): Promise<Account> {
  const demo = new Server(['demo', directory, '--port', '0']);
  await demo.line(READY);
  const name = await demo.line(/^Administrator: (.+)$/);
  const password = await demo.line(/^Password: (.+)$/);
  await demo.stop();
  return { name, password };
}

/**
 * Gives stopped scripts time to resist, so that a test can kill them; lets tests leave many runs
 * behind that wait for input.
 */
async function configure(directory: string): Promise<void> {
  const file = join(directory, 'config', 'server.json');
  const configuration = JSON.parse(await readFile(file, 'utf8'));
  Object.assign(configuration.server, { stop_grace: 30, shutdown_wait: 1, max_runs: 200, max_runs_per_user: 200 });
  await chmod(file, 0o600);
  await writeFile(file, JSON.stringify(configuration));
  await chmod(file, 0o400);
}

async function addUser(account: Account, folder: string, directory: string): Promise<void> {
  const file = join(folder, 'visitor-password');
  await writeFile(file, `${account.password}\n`, { mode: 0o600 });
  const words = ['user', 'add', account.name, '--directory', directory];
  await promisify(execFile)(PROGRAM, [...words, '--group', '50', '--password-file', file]);
}

/** The process, with what it printed. */
class Server {
  /** What it wrote to standard error. */
  log = '';
  private readonly process: ChildProcess;
  private readonly exit: Promise<number | string>;
  private readonly lines: string[] = [];
  private notify: () => void = () => {};

  constructor(words: string[]) {
    this.process = spawn(PROGRAM, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.exit = once(this.process, 'exit').then(([code, signal]) => code ?? signal);
    this.exit.then(() => this.notify(), () => this.notify());
    this.process.stderr?.on('data', (data) => (this.log += data));
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.lines.push(line);
      this.notify();
    });
  }

  /** Waits for a line of standard output and returns what the pattern captures. */
  async line(pattern: RegExp): Promise<string> {
    const deadline = AbortSignal.timeout(START_LIMIT_MS);
    for (;;) {
      const found = this.lines.map((line) => pattern.exec(line)?.[1]).find(Boolean);
      if (found) return found;
      if (deadline.aborted || this.process.exitCode !== null || !this.process.pid) {
        const printed = [...this.lines, this.log].join('\n');
        this.process.kill('SIGKILL');
        throw new Error(`${PROGRAM} printed no line like ${pattern}, but\n${printed}`);
      }
      await new Promise<void>((wake) => {
        this.notify = wake;
        deadline.addEventListener('abort', () => wake(), { once: true });
      });
    }
  }

  /** Sends what Ctrl-C sends and waits for a clean end. */
  async stop(): Promise<void> {
    this.process.kill('SIGINT');
    const status = await this.exit;
    if (status !== 0) throw new Error(`the server ended with ${status} after SIGINT\n${this.log}`);
  }
}
