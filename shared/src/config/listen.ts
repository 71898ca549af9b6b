import { BlockList, isIP } from 'node:net';
import type { ProblemReport } from './problem';
import type { ValueType } from './values';

/** Where the listener may be bound: to this machine, and to more only by a setting that says what it means. */

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether only this machine reaches a listener on `host`, which is an IP address or `localhost`. */
export function isLoopback(host: string): boolean {
  // The usual ones first: a look into the list costs microseconds, and each request asks.
  if (host === 'localhost' || host === '127.0.0.1' || host === '::1') return true;
  return LOOPBACK.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}

export const listenHost: ValueType<string> = {
  label: 'IP address, or `localhost`',
  fromText: (text) => text,
  read: (raw, refuse) =>
    typeof raw === 'string' && (raw === 'localhost' || isIP(raw) !== 0)
      ? raw
      : refuse('an IP address, or `localhost`; 127.0.0.1 is this machine alone'),
};

/** Adds a problem when the listener would be open to more than this machine and nobody has said that it may be. */
export function refuseExposure(
  http: { readonly host: string; readonly exposeWithoutAuthentication: boolean; readonly tokens: readonly string[] },
  report: ProblemReport,
): void {
  if (http.exposeWithoutAuthentication || http.tokens.length > 0 || isLoopback(http.host)) return;
  report.wrong(
    ['http', 'host'],
    http.host,
    'an address of this machine (127.0.0.1, ::1 or localhost): the listener asks nobody who they are, so that everybody ' +
      'who reaches the address can read and drive this daemon; put a proxy with authentication before it, ask for tokens with ' +
      'http.tokens, or allow just that with http.exposeWithoutAuthentication: true',
  );
}
