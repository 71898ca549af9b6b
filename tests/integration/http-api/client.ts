import { request } from 'node:http';

/** A request with any header, and all of its answer. */

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is when it is text or bytes, as JSON when it is anything else. */
  readonly body?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  /** `undefined` for what is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what is expected of it stands in the test
  readonly json: any;
}

export function ask(url: string, path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answered> {
  const asItIs = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const sentBody = asItIs ? body : JSON.stringify(body);
  const json = !asItIs ? { 'content-type': 'application/json' } : {};
  return new Promise((resolve, reject) => {
    const sent = request(`${url}${path}`, { method, agent: false, headers: { ...json, ...headers } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        const isJson = /json/.test(response.headers['content-type'] ?? '') && bytes.length > 0;
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, bytes, json: isJson ? JSON.parse(bytes.toString()) : undefined });
      });
    });
    sent.on('error', reject);
    sent.end(sentBody);
  });
}
