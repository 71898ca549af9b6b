import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { FaultyProxy } from '../../support/servers/proxy';

/** The proxy of the fault tests does what it says: a test that believes in a fault that is not there proves nothing. */

let echo: Server;
let proxy: FaultyProxy;
const served = new Set<Socket>();
const clients: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => {
    served.add(socket);
    socket.on('error', () => undefined).on('close', () => served.delete(socket));
    socket.pipe(socket);
  });
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  proxy = await FaultyProxy.to(`redis://:secret@127.0.0.1:${(echo.address() as AddressInfo).port}/1`);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  for (const socket of served) socket.destroy();
  await new Promise((resolve) => echo.close(resolve));
});

/** A client by way of the proxy, and what becomes of it. */
class Client {
  heard = '';
  /** Of its connection: `undefined` when it was closed in good order. */
  readonly ended: Promise<string | undefined>;
  readonly socket: Socket;

  constructor() {
    const { hostname, port } = new URL(proxy.url);
    this.socket = connect({ host: hostname, port: Number(port) });
    clients.push(this.socket);
    let code: string | undefined;
    this.socket.on('data', (bytes: Buffer) => {
      this.heard += bytes.toString();
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      code = error.code;
    });
    this.ended = new Promise((resolve) => this.socket.on('close', () => resolve(code)));
  }

  async hears(text: string): Promise<void> {
    while (!this.heard.includes(text)) await once(this.socket, 'data');
  }

  async asks(text: string): Promise<void> {
    this.socket.write(text);
    await this.hears(text);
  }
}

async function untilBroken(connections: number): Promise<void> {
  while (proxy.broken < connections) await new Promise(setImmediate);
}

test('passes all on, and keeps the rest of the URL', async () => {
  const { username, password, pathname, hostname } = new URL(proxy.url);
  expect([username, password, pathname, hostname]).toEqual(['', 'secret', '/1', '127.0.0.1']);
  const client = new Client();
  await client.asks('one');
  await client.asks('two');
  expect(proxy.connections).toBe(1);
  client.socket.end();
  expect(await client.ended).toBeUndefined();
  expect(client.heard).toBe('onetwo');
});

test('a delay is there in both directions, changes no order, and ends', async () => {
  const client = new Client();
  await client.asks('first');
  proxy.delay(60);
  const began = performance.now();
  client.socket.write('late,');
  await client.hears('first');
  proxy.delay(30);
  await client.asks('later,');
  expect(performance.now() - began).toBeGreaterThan(55);
  expect(client.heard).toBe('firstlate,later,');
  await proxy.heal();
  await client.asks('soon');
});

test('cut closes what is there, refuses what comes, and heals on the same port', async () => {
  const client = new Client();
  await client.asks('one');
  await proxy.cut();
  expect(await client.ended).toBeUndefined();
  expect(await new Client().ended).toBe('ECONNREFUSED');
  await proxy.heal();
  await new Client().asks('again');
});

test('reset breaks what is there and what comes', async () => {
  const client = new Client();
  await client.asks('one');
  proxy.reset();
  expect(await client.ended).toBe('ECONNRESET');
  expect(await new Client().ended).toBe('ECONNRESET');
  await proxy.heal();
  await new Client().asks('again');
});

test('frozen takes all and says nothing; healed, who lost bytes is reset and who lost none goes on', async () => {
  const [asking, silent] = [new Client(), new Client()];
  await asking.asks('one');
  await silent.asks('one');
  proxy.freeze();
  const late = new Client();
  await once(late.socket, 'connect');
  late.socket.write('lost');
  asking.socket.write('lost');
  await untilBroken(2);
  expect(proxy.connections).toBe(3);
  await proxy.heal();
  expect(await Promise.all([asking.ended, late.ended])).toEqual(['ECONNRESET', 'ECONNRESET']);
  expect([asking.heard, late.heard]).toEqual(['one', '']);
  await silent.asks('two');
});

test('frozen, neither side hears that the other has gone', async () => {
  const client = new Client();
  await client.asks('one');
  proxy.freeze();
  client.socket.destroy();
  await client.ended;
  await untilBroken(1);
  expect(served.size).toBe(1);
  const [socket] = served;
  const gone = new Promise((resolve) => socket?.on('close', resolve));
  await proxy.heal();
  await gone;
});
