import { Agent, get } from 'node:http';
import { MODEL } from './deployment';
import type { Questions } from './questions';
import { CONCURRENCIES, type ReadPath } from './read-path';
import { OUTPUT } from './synthetic-models';

/** What is read of an answer: the rest of it is the API's. */
export interface HttpAnswer {
  readonly values: Readonly<Record<string, number>>;
  readonly tier: string;
}

/** Asks a daemon by HTTP, on connections that stay open. */
export class HttpClient {
  private readonly url: string;
  private readonly agent: Agent;

  /** @param url of the daemon's listener; @param connections at most so many at a time; what is asked beyond waits for one */
  constructor(url: string, connections: number = Number.POSITIVE_INFINITY) {
    this.url = url;
    this.agent = new Agent({ keepAlive: true, maxSockets: connections, scheduling: 'fifo' });
  }

  /** Path and query of a question. */
  static target(category: string, { day, hour }: { readonly day: number; readonly hour: number }): string {
    return `/v1/models/${MODEL}/predictions?category=${encodeURIComponent(category)}&day=${day}&hour=${hour}`;
  }

  /** @throws Error for any status but 200, and when the connection is lost */
  ask(target: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const request = get(`${this.url}${target}`, { agent: this.agent }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body += text;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(body) as HttpAnswer);
          else reject(new Error(`${response.statusCode} ${body.slice(0, 200)}`));
        });
      });
      request.on('error', reject);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

/** A prediction from the daemon's API. */
export function httpPath(url: string, questions: Questions): ReadPath<HttpAnswer> {
  const client = new HttpClient(url);
  const targets = questions.all.map(({ category, coordinates }) => HttpClient.target(category, coordinates));
  return {
    ...{ name: 'http', concurrencies: CONCURRENCIES, perCall: 1 },
    ask: (place) => client.ask(targets[place % targets.length] as string),
    valuesOf: ({ values }) => [values[OUTPUT]],
    close: async () => client.close(),
  };
}
