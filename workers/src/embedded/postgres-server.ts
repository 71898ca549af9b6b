import { setTimeout as sleep } from 'node:timers/promises';
import { asForewarmError, ForewarmError } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import { childEnvironment, type Environment } from './child-environment';
import { freePort } from './free-port';
import { dataOf, openCluster, POSTGRES_USER } from './postgres-cluster';
import { type PostgresHome, placeHome } from './postgres-home';
import { createDatabase, probePostgres } from './postgres-probe';
import { locatePostgres, type PostgresPrograms } from './postgres-programs';
import { type ServerPlan, ServerProcess } from './server-process';
import { ROOT_STORES } from './store';
import { unprivilegedUser } from './system-user';

export interface PostgresServerOptions {
  /** An existing directory; the cluster lies in its `postgres`, or where that says (see `placeHome`). */
  readonly folder: string;
  readonly logFile: string;
  /** PATH and library paths are taken from it. */
  readonly environment: Environment;
  /** A free loopback port when left out. */
  readonly port?: number | undefined;
  /** Over the defaults below, for example `{ fsync: 'off' }` for tests. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Where root may put what `folder` hides from the unprivileged user. */
  readonly stores?: readonly string[] | undefined;
  /** Of the server; the record of `initdb` takes the same place before it. */
  readonly recordFile?: string | undefined;
  /** How long it may be silent; a server that says that it is starting (recovery) is waited for. 30 s when left out. */
  readonly startTimeoutMs?: number | undefined;
  /** Called when it ends without having been asked to. */
  readonly onExit?: ((error: ForewarmError) => void) | undefined;
}

/** For a small private server. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // No socket: its path has at most 107 bytes, and whoever is on the machine gets no second door.
  unix_socket_directories: '',
  max_connections: '50',
  shared_buffers: '64MB',
  fsync: 'on',
  autovacuum: 'on',
  // The npm package brings no LLVM.
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // To stderr, which is the log file.
  logging_collector: 'off',
};

const TRIES = 20;

/** A private PostgreSQL on loopback with a password, from the binaries of the npm package. */
export class PostgresServer implements Service {
  readonly name = 'postgres';
  private readonly options: PostgresServerOptions;
  private process: ServerProcess | undefined;
  private placed: PostgresHome | undefined;
  private listens: { readonly port: number; readonly password: string } | undefined;
  private starting: Promise<void> | undefined;
  private stopAsked = false;

  constructor(options: PostgresServerOptions) {
    this.options = options;
  }

  /** `postgres://` with the password in it: a secret. Throws FW_INTERNAL before `start`. */
  get url(): string {
    if (this.listens === undefined) throw new ForewarmError('FW_INTERNAL', 'PostgreSQL was not started yet.');
    return urlOf(this.listens.port, this.listens.password, POSTGRES_USER);
  }

  get port(): number | undefined {
    return this.listens?.port;
  }

  get pid(): number | undefined {
    return this.process?.exit === undefined ? this.process?.pid : undefined;
  }

  /** The directory with the cluster; undefined before `start`. */
  get home(): string | undefined {
    return this.placed?.directory;
  }

  /** Throws FW_BINARY_MISSING, or FW_EMBEDDED_FAILED with the end of its log. */
  start(): Promise<void> {
    this.starting ??= this.launch().catch((error: unknown) => {
      throw asForewarmError(error, 'FW_EMBEDDED_FAILED', 'PostgreSQL did not start');
    });
    return this.starting;
  }

  async stop(): Promise<void> {
    this.stopAsked = true;
    await this.process?.stop();
    await this.starting?.catch(() => undefined);
    await this.process?.stop();
  }

  private async launch(): Promise<void> {
    const { folder, stores = ROOT_STORES } = this.options;
    const home = placeHome(folder, unprivilegedUser(), stores);
    this.placed = home;
    const programs = locatePostgres(home.user, home.user === undefined ? [home.directory] : stores);
    const password = await openCluster(home, {
      program: programs.initdb,
      version: programs.version,
      launch: (plan) => this.spawn(plan, home),
    });
    for (let tried = 1; ; tried++) {
      const port = this.options.port ?? (await freePort());
      const child = await this.spawn(serverPlan(programs, home, { ...SETTINGS, ...this.options.settings, port }), home);
      if (await this.becomesReady(child, port, password)) {
        this.listens = { port, password };
        child.exited.then(() => {
          if (!this.stopAsked) this.options.onExit?.(child.failure('PostgreSQL stopped by itself'));
        });
        return;
      }
      const error = child.failure('PostgreSQL did not start');
      await child.stop();
      if (this.stopAsked || tried >= TRIES || !this.passes(error)) throw error;
      await sleep(50);
    }
  }

  /** Whether another try may help. */
  private passes(error: ForewarmError): boolean {
    // Backends of a killed server take a moment to notice its death.
    if (/pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(error.message)) return true;
    // Between our look for a free port and its use somebody else may have taken it.
    return this.options.port === undefined && /address already in use/i.test(error.message);
  }

  private async spawn(
    plan: Omit<ServerPlan, 'environment' | 'logFile' | 'user' | 'recordFile'>,
    home: PostgresHome,
  ): Promise<ServerProcess> {
    const { logFile, recordFile, environment } = this.options;
    if (this.stopAsked) throw new ForewarmError('FW_EMBEDDED_FAILED', 'PostgreSQL was stopped while it started.');
    this.process = await ServerProcess.launch({
      ...plan,
      environment: childEnvironment(environment),
      logFile,
      recordFile,
      user: home.user,
    });
    return this.process;
  }

  /** False when it ended, stayed silent, or is to stop. */
  private async becomesReady(child: ServerProcess, port: number, password: string): Promise<boolean> {
    const patienceMs = this.options.startTimeoutMs ?? 30_000;
    let deadline = performance.now() + patienceMs;
    while (child.exit === undefined && !this.stopAsked && performance.now() < deadline) {
      const answer = await probePostgres(urlOf(port, password, POSTGRES_USER), 5_000);
      if (answer === 'ready') return child.exit === undefined;
      if (answer === 'refused') return false;
      if (answer === 'absent') await createDatabase(urlOf(port, password, 'postgres'), 30_000);
      else await sleep(10);
      if (answer === 'starting') deadline = performance.now() + patienceMs;
    }
    return false;
  }
}

function serverPlan(
  programs: PostgresPrograms,
  home: PostgresHome,
  settings: Readonly<Record<string, string | number>>,
) {
  return {
    name: 'postgres' as const,
    program: programs.postgres,
    args: ['-D', dataOf(home), ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    workingDirectory: home.directory,
    directory: dataOf(home),
  };
}

function urlOf(port: number, password: string, database: string): string {
  // The mode is said, or a PGSSLMODE in the environment of a client would have a say.
  return `postgres://${POSTGRES_USER}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`;
}
