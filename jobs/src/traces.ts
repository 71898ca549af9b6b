import type { Telemetry } from 'bullmq';
import type { ForewarmError } from '#shared/errors';
import type { CycleRecord } from '#shared/store/history-store';
import type { BatchPayload, CyclePayload } from './cycle/payloads';

/** What a cycle came to, for its trace. */
export interface EndedCycle {
  readonly record: CycleRecord;
  /** Why it is not complete, without the names of categories. */
  readonly reasons: readonly string[];
  /** Why it was not published, where that failed. */
  readonly error?: ForewarmError;
}

/** How a run of a batch may end: an `Outcome`, as far as a trace tells it. */
export interface BatchEnd {
  readonly outcome: string;
  /** With `done`: a `BatchSummary` or a `CancelledBatch`. */
  readonly summary?: unknown;
}

/** Where cycles are told to whoever traces them. */
export interface Traces {
  /** How a trace goes along with the jobs of a flow; `undefined` while nothing is traced. */
  readonly telemetry: Telemetry | undefined;
  /** Adds the jobs of a cycle, which take its trace along. */
  planned<T>(cycle: CyclePayload, add: () => Promise<T>): Promise<T>;
  /** A cycle that could not be planned. */
  notPlanned(record: CycleRecord, error: ForewarmError): void;
  /** Runs a batch, as a part of the trace that its job brought along. */
  batch<T extends BatchEnd>(payload: BatchPayload, again: boolean, run: () => Promise<T>): Promise<T>;
  /** Closes the trace that the job which publishes brought along. */
  ended(cycle: EndedCycle): void;
}

/** Nothing is traced. */
export const UNTRACED: Traces = {
  telemetry: undefined,
  planned: (_cycle, add) => add(),
  notPlanned: () => undefined,
  batch: (_payload, _again, run) => run(),
  ended: () => undefined,
};
