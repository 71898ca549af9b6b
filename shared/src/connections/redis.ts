import { type ChainableCommander, type Cluster, Redis, type RedisOptions } from 'ioredis';
import { asForewarmError, type ErrorCode, ForewarmError, messageOf } from '../errors';
import { within } from '../within';

/**
 * The ways in which the product talks to Redis. They differ in what a command does while Redis is away:
 * `worker` waits for ever (BullMQ asks for that), `writer` waits for a bounded time, `prompt` fails at once. `command` is for a
 * person who waits: it fails at once too, and a connection that fails is not tried again. `reader` fails at once and has no time limit
 * of its own: for who bounds each command himself.
 */
export type RedisKind = 'worker' | 'writer' | 'prompt' | 'command' | 'reader';

/** What readers can read from: one server, or a cluster. */
export type RedisClient = Redis | Cluster;

const RECONNECT_MAX_MS = 1_000;

const PROMPT = { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: 2_000 };

const OPTIONS: Record<
  RedisKind,
  Pick<RedisOptions, 'maxRetriesPerRequest' | 'commandTimeout' | 'enableOfflineQueue' | 'retryStrategy'>
> = {
  worker: { maxRetriesPerRequest: null },
  writer: { maxRetriesPerRequest: 3, commandTimeout: 15_000 },
  prompt: PROMPT,
  command: { ...PROMPT, retryStrategy: () => null },
  reader: { maxRetriesPerRequest: 0, enableOfflineQueue: false },
};

/**
 * A client that reconnects within a second of Redis being back and leaves a replica that was a master.
 * `onError` hears every connection error: without a listener ioredis prints them, with `worker` thousands a second.
 */
export function makeRedis(url: string, kind: RedisKind, onError: (error: Error) => void): Redis {
  const client = new Redis(redisTarget(url), {
    lazyConnect: true,
    connectTimeout: 5_000,
    retryStrategy: (times: number) => Math.min(50 * 2 ** Math.min(times, 5), RECONNECT_MAX_MS),
    ...OPTIONS[kind],
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
  });
  client.on('error', onError);
  return client;
}

/** Whether two URLs lead to one server, whatever the database on it. */
export function sameRedisServer(a: string, b: string): boolean {
  return serverOf(a) === serverOf(b);
}

function serverOf(url: string): string {
  const target = redisTarget(url);
  if (!URL.canParse(target)) return target.replace(/\?.*$/, '');
  const { hostname, port } = new URL(target);
  return `${hostname}:${port || 6379}`;
}

/** `unix:///path` is how other clients write what ioredis takes as a bare path. */
function redisTarget(url: string): string {
  return url.startsWith('unix://') ? url.slice('unix://'.length) : url;
}

/**
 * Connects and waits until commands are accepted.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE naming `role` when that takes longer than `timeoutMs`
 */
export async function connectRedis(client: Redis, role: string, timeoutMs: number): Promise<void> {
  let lastError: unknown = new Error(`no answer within ${timeoutMs} ms`);
  const listen = (error: Error): void => {
    lastError = error;
  };
  client.on('error', listen);
  try {
    // Rejections of `connect` are for the first attempt only; the client goes on trying by itself.
    // What they say is less than what the `error` event did.
    if (client.status === 'wait') client.connect().catch(() => undefined);
    await untilReady(client, timeoutMs);
  } catch {
    throw new ForewarmError('FW_REDIS_UNAVAILABLE', `${role} cannot be reached: ${messageOf(lastError)}`, {
      cause: lastError,
    });
  } finally {
    client.off('error', listen);
  }
}

function untilReady(client: Redis, timeoutMs: number): Promise<void> {
  if (client.status === 'ready') return Promise.resolve();
  return new Promise((resolve, reject) => {
    const settle = (done: () => void): void => {
      clearTimeout(timer);
      client.off('ready', ready);
      client.off('end', failed);
      done();
    };
    const ready = (): void => settle(resolve);
    const failed = (): void => settle(() => reject(new Error('not connected')));
    const timer = setTimeout(failed, timeoutMs);
    client.on('ready', ready);
    client.on('end', failed);
  });
}

/** How long a server may take to say goodbye. */
const QUIT_MS = 500;

/** Ends a connection whatever its state, without waiting for replies that will not come. */
export async function closeRedis(client: Redis): Promise<void> {
  if (client.status === 'ready') await within(client.quit(), QUIT_MS);
  client.disconnect();
}

/**
 * A command, with what it throws as an error of the catalogue.
 * @throws ForewarmError FW_REDIS_UNAVAILABLE; `what` says what was being done
 */
export async function asking<T>(what: string, command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw redisError(error, what);
  }
}

/** What a client threw, as an error of the catalogue; `what` says what was being done. */
export function redisError(error: unknown, what: string): ForewarmError {
  return asForewarmError(plainly(error), 'FW_REDIS_UNAVAILABLE', what);
}

/**
 * Runs a pipeline or transaction and checks every reply: a refused command does not reject `exec` by itself.
 * @throws ForewarmError with `code`, naming `what` and the first refusal
 */
export async function execChecked(
  commands: ChainableCommander,
  what: string,
  code: ErrorCode = 'FW_REDIS_UNAVAILABLE',
): Promise<unknown[]> {
  let replies: [Error | null, unknown][] | null;
  try {
    replies = await commands.exec();
  } catch (error) {
    throw new ForewarmError(code, `${what}: ${messageOf(plainly(error))}`, { cause: error });
  }
  if (replies === null) throw new ForewarmError(code, `${what}: the transaction was abandoned`);
  const refused = replies.find(([error]) => error !== null)?.[0];
  if (refused) throw new ForewarmError(code, `${what}: ${messageOf(plainly(refused))}`, { cause: refused });
  return replies.map(([, reply]) => reply);
}

/** The client talks of its own options where it means that there was no connection. */
function plainly(error: unknown): unknown {
  const { name, message } = (error ?? {}) as Partial<Error>;
  if (
    name === 'MaxRetriesPerRequestError' ||
    message === "Stream isn't writeable and enableOfflineQueue options is false"
  ) {
    return new Error('there is no connection', { cause: error });
  }
  return error;
}
