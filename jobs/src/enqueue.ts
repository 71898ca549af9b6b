import { FlowProducer, type JobState, type JobsOptions, Queue, type Telemetry } from 'bullmq';
import type { Redis } from 'ioredis';
import { ForewarmError } from '#shared/errors';
import { type JobShape, parsePayload } from './job-shape';
import { type Traces, UNTRACED } from './traces';

/** How long failed jobs stay to be looked at. */
const KEEP_FAILED = { age: 24 * 3600, count: 1_000 };

/** Jobs of one key are added once. */
export interface Once {
  readonly key: string;
  /** What a job that runs already means: `follow`, one more comes after it; `share`, it is enough. */
  readonly ifRunning: 'follow' | 'share';
}

export interface FlowPart {
  readonly id: string;
  readonly payload: unknown;
}

/** Hash-tagged, so that all queues of a deployment live on one slot of a cluster. */
export function queuePrefix(keyPrefix: string): string {
  return `{${keyPrefix}}`;
}

/**
 * Adds jobs of the registry to their queues: one queue per job, of the same name. A queue is opened when it is first used:
 * one that is opened before its connection stands fails for ever. One that could not be opened, because Redis did not answer just
 * then, would as well: it is forgotten, and the next use opens another.
 */
export class Enqueuer {
  private readonly definitions: ReadonlyMap<string, JobShape>;
  private readonly connection: Redis;
  private readonly prefix: string;
  private readonly onError: (error: Error) => void;
  private readonly traces: Pick<Traces, 'telemetry'>;
  private readonly queues = new Map<string, Queue>();
  private flows: FlowProducer | undefined;

  /** @param connection stays the caller's: it is not closed here */
  constructor(
    definitions: readonly JobShape[],
    connection: Redis,
    keyPrefix: string,
    onError: (error: Error) => void,
    traces: Pick<Traces, 'telemetry'> = UNTRACED,
  ) {
    this.definitions = new Map(definitions.map((definition) => [definition.name, definition]));
    this.connection = connection;
    this.prefix = queuePrefix(keyPrefix);
    this.onError = onError;
    this.traces = traces;
  }

  /** @throws ForewarmError FW_JOB_UNKNOWN */
  queue(name: string): Queue {
    const open = this.queues.get(name);
    if (open !== undefined) return open;
    const queue = new Queue(this.definition(name).name, { connection: this.connection, prefix: this.prefix });
    queue.on('error', this.onError);
    this.queues.set(name, queue);
    whenNotOpened(queue, () => {
      if (this.queues.get(name) === queue) this.queues.delete(name);
    });
    return queue;
  }

  /** Options of a job from its definition: retries, and what is kept afterwards. */
  options(name: string): JobsOptions {
    const { keepDone, retries } = this.definition(name);
    return {
      attempts: retries.attempts,
      backoff: { type: 'exponential', delay: retries.firstDelayMs, jitter: 0.5 },
      removeOnComplete: keepDone,
      removeOnFail: KEEP_FAILED,
    };
  }

  /**
   * Adds one job and returns its id. With `once`, a job of that key that waits is enough, and its id is returned.
   * @throws ForewarmError FW_JOB_PAYLOAD
   */
  async add(name: string, payload: unknown, once?: Once): Promise<string> {
    const data = parsePayload(this.definition(name), payload);
    const deduplication =
      once === undefined ? {} : { deduplication: { id: once.key, keepLastIfActive: once.ifRunning === 'follow' } };
    const job = await this.queue(name).add(name, data, { ...this.options(name), ...deduplication });
    return job.id ?? '';
  }

  /** Adds a job that runs when all its children have ended, well or not. Ids must be unique for ever. */
  async addFlow(name: string, parent: FlowPart, childName: string, children: readonly FlowPart[]): Promise<void> {
    await this.flowProducer().add({
      name,
      queueName: name,
      data: parsePayload(this.definition(name), parent.payload),
      opts: { ...this.options(name), jobId: parent.id },
      children: children.map((child) => ({
        name: childName,
        queueName: childName,
        data: parsePayload(this.definition(childName), child.payload),
        opts: {
          ...this.options(childName),
          jobId: child.id,
          ignoreDependencyOnFailure: true,
          // Its result lives on with its cycle.
          removeOnComplete: true,
        },
      })),
    });
  }

  /** Whether a job is still to end: waiting for children, a worker or a retry, or running. */
  async isPending(name: string, id: string): Promise<boolean> {
    const state: JobState | 'unknown' = await this.queue(name).getJobState(id);
    return state !== 'completed' && state !== 'failed' && state !== 'unknown';
  }

  /** What a job carries, as it is stored; `undefined` when it is not there. */
  async dataOf(name: string, id: string): Promise<unknown> {
    return (await this.queue(name).getJob(id))?.data;
  }

  async close(): Promise<void> {
    await Promise.all([...this.queues.values()].map((queue) => queue.close()));
    await this.flows?.close();
  }

  private flowProducer(): FlowProducer {
    if (this.flows !== undefined) return this.flows;
    const flows = new FlowProducer({ connection: this.connection, prefix: this.prefix, ...carrying(this.traces) });
    flows.on('error', this.onError);
    this.flows = flows;
    whenNotOpened(flows, () => {
      if (this.flows === flows) this.flows = undefined;
    });
    return flows;
  }

  private definition(name: string): JobShape {
    const definition = this.definitions.get(name);
    if (definition === undefined) throw new ForewarmError('FW_JOB_UNKNOWN', `no job is named ${name}`);
    return definition;
  }
}

/** How jobs take a trace along; queues and workers are told only where there is one. */
export function carrying({ telemetry }: Pick<Traces, 'telemetry'>): { readonly telemetry?: Telemetry } {
  return telemetry === undefined ? {} : { telemetry };
}

function whenNotOpened(opening: Pick<Queue, 'waitUntilReady' | 'close'>, forget: () => void): void {
  opening.waitUntilReady().catch(() => {
    forget();
    // Takes its listeners off the connection; that it was never open is known.
    return opening.close().catch(() => undefined);
  });
}
