import { createServer } from 'node:net';

/**
 * A loopback TCP port that nobody listens on at this moment. Another process may take it before it is used: callers that
 * chose no port themselves try again with another one.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host: '127.0.0.1', port: 0 }, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
