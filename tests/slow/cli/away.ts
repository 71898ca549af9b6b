import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** How a server can be away: connections are refused, or accepted by one that never says a word, as one does that is stopped. */
export type Away = 'refuses' | 'is silent';

/** Checks something against the address of a server that is away, in each way in which it can be. */
export async function forEachAway(check: (address: string, away: Away) => Promise<void>): Promise<void> {
  await check('127.0.0.1:1', 'refuses');
  await besideSilent((address) => check(address, 'is silent'));
}

/** What an error says of how long was waited. A clock beside the command would measure how busy the machine is. */
export const WAITED: Readonly<Record<'redis' | 'postgres', Readonly<Record<Away, RegExp>>>> = {
  redis: { refuses: /ECONNREFUSED/, 'is silent': /no answer within 1200 ms/ },
  postgres: { refuses: /ECONNREFUSED/, 'is silent': /connection timeout|timeout exceeded/ },
};

/** Works beside a server that never says a word. `atOnce` is how many connections it has had open in one moment. */
export async function besideSilent(work: (address: string, atOnce: () => number) => Promise<void>): Promise<void> {
  const connections = new Set<Socket>();
  let most = 0;
  const server = createServer((socket) => {
    connections.add(socket);
    most = Math.max(most, connections.size);
    socket.on('error', () => undefined);
    // Reading what comes, for only then its end is seen.
    socket.resume().on('close', () => connections.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`127.0.0.1:${(server.address() as AddressInfo).port}`, () => most);
  } finally {
    for (const socket of connections) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}
