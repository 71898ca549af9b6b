import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './system';

type Value = string | number | boolean | readonly unknown[];

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** `undefined` for the first span of a trace. */
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly attributes: Readonly<Record<string, Value>>;
  /** Of whoever sent it. */
  readonly resource: Readonly<Record<string, Value>>;
  readonly failed: boolean;
  /** Attributes of each error that was recorded. */
  readonly errors: readonly Readonly<Record<string, Value>>[];
  readonly beganMs: number;
  readonly endedMs: number;
}

/** A server that takes traces as OTLP over HTTP, in JSON. `stop` it. */
export class TraceReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** All that was sent, as text. */
  text = '';
  private readonly server: Server;
  /** Requests that are left without an answer, where nobody answers. */
  private readonly held = new Set<ServerResponse>();

  private constructor(answers: boolean) {
    this.server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        this.read(Buffer.concat(parts).toString());
        if (!answers) this.held.add(response);
        else response.setHeader('content-type', 'application/json').end('{}');
      });
    });
  }

  /** @param options `answers: false` for one that takes requests and leaves them */
  static async start({ answers = true } = {}): Promise<TraceReceiver> {
    const receiver = new TraceReceiver(answers);
    receiver.server.listen(0, '127.0.0.1');
    await once(receiver.server, 'listening');
    return receiver;
  }

  /** What a daemon needs to send its traces here, soon. */
  get env(): Record<string, string> {
    const { port } = this.server.address() as AddressInfo;
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    };
  }

  /** The requests that nobody answered. */
  get unanswered(): number {
    return this.held.size;
  }

  /** The first span that fits, as soon as it is there. */
  span(fits: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
    return eventually('a span', () => this.spans.find(fits));
  }

  below(parent: ReceivedSpan): ReceivedSpan[] {
    return this.spans.filter(
      ({ traceId, parentSpanId }) => traceId === parent.traceId && parentSpanId === parent.spanId,
    );
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private read(body: string): void {
    this.text += body;
    for (const { resource, scopeSpans } of (JSON.parse(body) as Sent).resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) this.spans.push(received(span, resource));
    }
  }
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

interface SentSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly Attribute[];
  readonly events?: readonly { readonly name: string; readonly attributes?: readonly Attribute[] }[];
  readonly status?: { readonly code?: number };
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[];
  }[];
}

const STATUS_ERROR = 2;

function received(span: SentSpan, resource: Sent['resourceSpans'][number]['resource']): ReceivedSpan {
  const { traceId, spanId, parentSpanId, name, status, events = [] } = span;
  return {
    ...{ traceId, spanId, name, parentSpanId: parentSpanId || undefined },
    attributes: valuesOf(span.attributes),
    resource: valuesOf(resource.attributes),
    failed: status?.code === STATUS_ERROR,
    errors: events.filter((event) => event.name === 'exception').map((event) => valuesOf(event.attributes)),
    beganMs: Number(span.startTimeUnixNano) / 1e6,
    endedMs: Number(span.endTimeUnixNano) / 1e6,
  };
}

function valuesOf(attributes: readonly Attribute[] = []): Record<string, Value> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, contentOf(value)]));
}

/** One of `stringValue`, `intValue` and so on; 64 bits may come as text. */
function contentOf(value: Attribute['value']): Value {
  const [[kind, content] = []] = Object.entries(value);
  if (kind === 'intValue') return Number(content);
  if (kind === 'arrayValue') return (content as { values: Attribute['value'][] }).values.map(contentOf);
  return content as Value;
}
