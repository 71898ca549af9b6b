import { connect } from 'node:net';

/** `loading`: it answers, but still reads its data. `refused`: it wants another password, so it is not our server. */
export type PingAnswer = 'ready' | 'loading' | 'refused' | 'silent';

/** One AUTH and PING on a connection of its own, never longer than `timeoutMs`. Never throws. */
export function pingRedis(port: number, password: string, timeoutMs: number): Promise<PingAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let received = '';
    const answer = (what: PingAnswer) => {
      socket.destroy();
      resolve(what);
    };
    socket.setTimeout(timeoutMs, () => answer('silent'));
    socket.once('error', () => answer('silent'));
    socket.once('close', () => answer('silent'));
    socket.once('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
      const said = readAnswer(received);
      if (said !== undefined) answer(said);
    });
  });
}

/** What the two reply lines mean; undefined while one is still to come. */
export function readAnswer(received: string): PingAnswer | undefined {
  if (/^-(LOADING|BUSY)/m.test(received)) return 'loading';
  const lines = received.split('\r\n').slice(0, -1);
  if (lines.length < 2) return undefined;
  return lines[0] === '+OK' && lines[1] === '+PONG' ? 'ready' : 'refused';
}
