import type { Telemetry } from 'bullmq';
import type { BatchPayload, CyclePayload } from '#jobs/cycle/payloads';
import { type BatchEnd, type EndedCycle, type Traces, UNTRACED } from '#jobs/traces';
import type { Environment } from '#shared/config/environment';
import type { ForewarmError } from '#shared/errors';
import type { Service } from '#shared/lifecycle';
import type { ErrorReporter } from '#shared/repeated-errors';
import type { CycleRecord } from '#shared/store/history-store';
import { within } from '#shared/within';
import type { Sdk } from './sdk';

/** For what has not been sent yet when the daemon stops. */
const FLUSH_MS = 1_500;

/**
 * Traces by OpenTelemetry, where the environment names whom to send them to. Nothing of the SDK is loaded otherwise, and what is
 * told here goes nowhere. Started first and stopped last: the end of a daemon is traced as well.
 */
export class Tracing implements Service, Traces {
  readonly name = 'traces';
  private readonly env: Environment;
  private readonly errors: ErrorReporter;
  private sdk: Sdk | undefined;

  /** @param env that of this process: the SDK reads all but the endpoint there by itself */
  constructor(env: Environment, errors: ErrorReporter) {
    this.env = env;
    this.errors = errors;
  }

  get telemetry(): Telemetry | undefined {
    return this.sdk?.telemetry;
  }

  /** `undefined` while nothing is traced. */
  get reads(): Sdk['reads'] | undefined {
    return this.sdk?.reads;
  }

  /** A daemon without traces is better than none. */
  async start(): Promise<void> {
    if (!isWanted(this.env)) return;
    try {
      const { startSdk } = await import('./sdk.js');
      this.sdk = startSdk(this.env, this.errors);
    } catch (error) {
      this.errors.report('there are no traces', error);
    }
  }

  /** What cannot be sent in time is lost. */
  async stop(): Promise<void> {
    const { sdk } = this;
    this.sdk = undefined;
    if (sdk !== undefined) await within(sdk.shutdown(), FLUSH_MS);
  }

  planned<T>(cycle: CyclePayload, add: () => Promise<T>): Promise<T> {
    return (this.sdk?.cycles ?? UNTRACED).planned(cycle, add);
  }

  notPlanned(record: CycleRecord, error: ForewarmError): void {
    this.sdk?.cycles.notPlanned(record, error);
  }

  batch<T extends BatchEnd>(payload: BatchPayload, again: boolean, run: () => Promise<T>): Promise<T> {
    return (this.sdk?.cycles ?? UNTRACED).batch(payload, again, run);
  }

  ended(cycle: EndedCycle): void {
    this.sdk?.cycles.ended(cycle);
  }
}

/** By the names of the specification; the endpoint for traces alone is as good. */
function isWanted(env: Environment): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return Boolean(endpoint) && env.OTEL_SDK_DISABLED !== 'true' && env.OTEL_TRACES_EXPORTER !== 'none';
}
