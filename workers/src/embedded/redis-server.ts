import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ForewarmError } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import { childEnvironment, type Environment } from './child-environment';
import { freePort } from './free-port';
import { pingRedis } from './redis-ping';
import { findRedisProgram } from './redis-program';
import { ServerProcess } from './server-process';
import type { SystemUser } from './system-user';

export interface RedisServerOptions {
  /** Where its data and its configuration lie; made private (0700). */
  readonly dir: string;
  /** False: nothing is kept over a stop. */
  readonly appendOnly: boolean;
  readonly logFile: string;
  /** The PATH is taken from it. */
  readonly environment: Environment;
  /** A free loopback port when left out. */
  readonly port?: number | undefined;
  /** A new one when left out. Every user of the machine can reach a loopback port, so that there always is one. */
  readonly password?: string | undefined;
  /** After the configuration file, for example `['--maxmemory', '100mb']`. */
  readonly extraArgs?: readonly string[] | undefined;
  readonly user?: SystemUser | undefined;
  readonly recordFile?: string | undefined;
  /** How long it may be silent; a server that says that it is loading its data is waited for. 30 s when left out. */
  readonly startTimeoutMs?: number | undefined;
  /** Called when it ends without having been asked to. */
  readonly onExit?: ((error: ForewarmError) => void) | undefined;
}

const PORT_TRIES = 5;

/** A private Redis (or Valkey) on loopback with a password. */
export class RedisServer implements Service {
  readonly name = 'redis';
  readonly password: string;
  private readonly options: RedisServerOptions;
  private process: ServerProcess | undefined;
  private listensOn: number | undefined;
  private starting: Promise<void> | undefined;
  private stopAsked = false;

  constructor(options: RedisServerOptions) {
    this.options = options;
    this.password = options.password ?? randomBytes(24).toString('hex');
  }

  /** `redis://` with the password in it: a secret. Throws FW_INTERNAL before `start`. */
  get url(): string {
    return `redis://:${this.password}@127.0.0.1:${this.port}`;
  }

  get port(): number {
    if (this.listensOn === undefined) throw new ForewarmError('FW_INTERNAL', 'The Redis server was not started yet.');
    return this.listensOn;
  }

  get pid(): number | undefined {
    return this.process?.exit === undefined ? this.process?.pid : undefined;
  }

  /** Throws FW_BINARY_MISSING, or FW_EMBEDDED_FAILED with the end of its log. */
  start(): Promise<void> {
    this.starting ??= this.launch();
    return this.starting;
  }

  async stop(): Promise<void> {
    this.stopAsked = true;
    await this.process?.stop();
    await this.starting?.catch(() => undefined);
    await this.process?.stop();
  }

  private async launch(): Promise<void> {
    const program = findRedisProgram(this.options.environment);
    mkdirSync(this.options.dir, { recursive: true, mode: 0o700 });
    chmodSync(this.options.dir, 0o700);
    const dir = realpathSync(this.options.dir);
    for (let tried = 1; ; tried++) {
      const port = this.options.port ?? (await freePort());
      const child = await this.spawn(program, dir, port);
      if (await this.becomesReady(child, port)) {
        this.listensOn = port;
        child.exited.then(() => {
          if (!this.stopAsked) this.options.onExit?.(child.failure('Redis stopped by itself'));
        });
        return;
      }
      const error = child.failure('Redis did not start');
      await child.stop();
      // Between our look for a free port and its use somebody else may have taken it.
      const taken = this.options.port === undefined && /address already in use/i.test(error.message);
      if (this.stopAsked || !taken || tried >= PORT_TRIES) throw error;
    }
  }

  private async spawn(program: string, dir: string, port: number): Promise<ServerProcess> {
    const { options } = this;
    const configuration = join(dir, 'redis.conf');
    // In a file and not in the arguments, where everybody could read the password.
    writeFileSync(configuration, this.configuration(port), { mode: 0o600 });
    if (options.user !== undefined) {
      for (const path of [dir, configuration]) chownSync(path, options.user.uid, options.user.gid);
    }
    this.process = await ServerProcess.launch({
      name: 'redis',
      program,
      args: [configuration, ...(options.extraArgs ?? [])],
      workingDirectory: dir,
      environment: childEnvironment(options.environment),
      logFile: options.logFile,
      user: options.user,
      recordFile: options.recordFile,
      directory: dir,
    });
    return this.process;
  }

  /** False when it ended, stayed silent, or is to stop. */
  private async becomesReady(child: ServerProcess, port: number): Promise<boolean> {
    const patienceMs = this.options.startTimeoutMs ?? 30_000;
    let deadline = performance.now() + patienceMs;
    while (child.exit === undefined && !this.stopAsked && performance.now() < deadline) {
      const answer = await pingRedis(port, this.password, 1_000);
      if (answer === 'ready') return child.exit === undefined;
      if (answer === 'loading') deadline = performance.now() + patienceMs;
      await sleep(10);
    }
    return false;
  }

  private configuration(port: number): string {
    const lines = [
      'bind 127.0.0.1',
      'protected-mode yes',
      `port ${port}`,
      `requirepass ${this.password}`,
      'daemonize no',
      'logfile ""',
      // Its working directory: a path with blanks or quotes needs no escaping that way.
      'dir .',
      'save ""',
      `appendonly ${this.options.appendOnly ? 'yes' : 'no'}`,
      'appendfsync everysec',
      // BullMQ loses jobs under any other policy.
      'maxmemory-policy noeviction',
    ];
    return `${lines.join('\n')}\n`;
  }
}
