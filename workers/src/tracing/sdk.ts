import { hostname } from 'node:os';
import { type DiagLogger, DiagLogLevel, diag, trace } from '@opentelemetry/api';
import { NodeSDK, resources } from '@opentelemetry/sdk-node';
import type { Telemetry } from 'bullmq';
import type { Environment } from '#shared/config/environment';
import type { ErrorReporter } from '#shared/repeated-errors';
import { version } from '#shared/version';
import { CycleSpans } from './cycle-spans';
import { queueContext } from './queue-context';
import { ReadSpans } from './read-spans';
import { SpanIds } from './span-ids';

export interface Sdk {
  readonly telemetry: Telemetry;
  readonly cycles: CycleSpans;
  readonly reads: ReadSpans;
  /** Sends what waits, for as long as that takes. */
  shutdown(): Promise<void>;
}

/**
 * Starts the SDK as its environment variables say: where spans go to, how, which of them, and the attributes of the resource.
 * Loaded only where there are traces.
 */
export function startSdk(env: Environment, errors: ErrorReporter): Sdk {
  const ids = new SpanIds();
  const sdk = new NodeSDK({
    idGenerator: ids,
    // OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES come over it.
    resource: resources.defaultResource().merge(
      resources.resourceFromAttributes({
        'service.name': 'forewarm',
        'service.version': version(),
        'host.name': hostname(),
        'process.pid': process.pid,
      }),
    ),
    // The others would send the command line along, which may hold the password of a server.
    ...(env.OTEL_NODE_RESOURCE_DETECTORS ? {} : { resourceDetectors: [resources.envDetector] }),
    // Figures are for Prometheus, lines for the log.
    metricReaders: [],
    logRecordProcessors: [],
  });
  // After it was made, which sets a logger of its own, and before it starts, which tells what is wrong with the variables.
  diag.setLogger(diagnostics(errors), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  sdk.start();
  const tracer = trace.getTracer('forewarm', version());
  return {
    telemetry: queueContext(),
    cycles: new CycleSpans(tracer, ids),
    reads: new ReadSpans(tracer),
    shutdown: () => sdk.shutdown(),
  };
}

/** What the SDK says of itself: the same trouble once in a while, as with any server that is away. */
function diagnostics(errors: ErrorReporter): DiagLogger {
  const tell = (message: string, ...more: unknown[]): void =>
    errors.report('traces', new Error([plain(message), ...more.map(String)].join(' ')));
  const ignore = (): void => undefined;
  return { error: tell, warn: tell, info: ignore, debug: ignore, verbose: ignore };
}

/** Errors come as JSON with their stack; how many spans were dropped differs each time, which would be said each time. */
function plain(message: string): string {
  try {
    const { message: text, code } = JSON.parse(message) as { readonly message?: string; readonly code?: string };
    return text || code || 'export failed';
  } catch {
    return message.replace(/^Dropped \d+ spans/, 'Dropped spans');
  }
}
