import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** How a server can be away: connections are refused, or accepted by one that never says a word, as one does that is stopped. */
export type Away = 'refuses' | 'is silent';

/** Checks something against the address of a server that is away, in each way in which it can be. */
export async function forEachAway(check: (address: string, away: Away) => Promise<void>): Promise<void> {
  await check('127.0.0.1:1', 'refuses');
  await beside((address) => check(address, 'is silent'));
}

/** What an error says of how long was waited. A clock beside the command would measure how busy the machine is. */
export const WAITED: Readonly<Record<'redis' | 'postgres', Readonly<Record<Away, RegExp>>>> = {
  redis: { refuses: /ECONNREFUSED/, 'is silent': /no answer within 1500 ms/ },
  postgres: { refuses: /ECONNREFUSED/, 'is silent': /connection timeout|timeout exceeded/ },
};

async function beside(work: (address: string) => Promise<void>): Promise<void> {
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await work(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of connections) socket.destroy();
    server.close();
    await once(server, 'close');
  }
}
