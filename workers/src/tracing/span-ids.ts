import { randomBytes } from 'node:crypto';
import type { SpanContext } from '@opentelemetry/api';
import type { NodeSDKConfiguration } from '@opentelemetry/sdk-node';

type IdGenerator = NonNullable<NodeSDKConfiguration['idGenerator']>;

/**
 * Numbers of spans: random, except for one that is made under the number which its children have already. A cycle is planned by
 * one daemon and ended by another, and no span can be handed over.
 */
export class SpanIds implements IdGenerator {
  private given: SpanContext | undefined;

  generateTraceId = (): string => this.given?.traceId ?? randomId(16);
  generateSpanId = (): string => this.given?.spanId ?? randomId(8);

  /** Calls `make`, which makes one span without a parent. */
  under<T>(given: SpanContext, make: () => T): T {
    this.given = given;
    try {
      return make();
    } finally {
      this.given = undefined;
    }
  }
}

/** One of zeros alone would be none; there is less than one chance in 2^64. */
function randomId(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
