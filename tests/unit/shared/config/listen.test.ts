import { isLoopback } from '#shared/config/listen';
import { minimal, Workspace } from './workspace';

const workspace = new Workspace();
afterAll(() => workspace.remove());

const HERE = ['127.0.0.1', '127.8.9.10', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost'];
const ELSEWHERE = ['0.0.0.0', '::', '10.0.0.7', '128.0.0.1', '::2', '::ffff:10.0.0.7', 'fe80::1%eth0'];
const exposed = 'exposeWithoutAuthentication: true';

test.each(HERE)('%s is this machine, and needs no permission', (host) => {
  expect(isLoopback(host)).toBe(true);
  expect(workspace.load(minimal(`http: { host: "${host}" }`)).http.host).toBe(host);
});

test.each(ELSEWHERE)('%s is refused in one error that names the setting and says what it means', (host) => {
  expect(isLoopback(host)).toBe(false);
  expect(workspace.problems(minimal(`http: { host: "${host}" }`))).toEqual([
    {
      kind: 'invalid',
      path: 'http.host',
      given: JSON.stringify(host),
      from: 'forewarm.yaml:1',
      expected: expect.stringMatching(
        /everybody who reaches the address can read and drive this daemon; .*http\.exposeWithoutAuthentication: true$/,
      ),
    },
  ]);
});

test.each(ELSEWHERE)('%s is allowed by the setting', (host) => {
  const { http } = workspace.load(minimal(`http: { host: "${host}", ${exposed} }`));
  expect(http).toMatchObject({ host, port: 7878, exposeWithoutAuthentication: true, tokens: [] });
});

test.each(ELSEWHERE)('%s is allowed by tokens, and by no empty list of them', (host) => {
  const { http } = workspace.load(minimal(`http: { host: "${host}", tokens: [0123456789abcdef] }`));
  expect(http).toMatchObject({ host, exposeWithoutAuthentication: false, tokens: ['0123456789abcdef'] });
  expect(workspace.problems(minimal(`http: { host: "${host}", tokens: [] }`))).toMatchObject([{ path: 'http.host' }]);
});

test.each([
  ['the environment', { environment: { FOREWARM_HTTP__EXPOSE_WITHOUT_AUTHENTICATION: 'true' } }],
  ['the command line', { overrides: { 'http.exposeWithoutAuthentication': 'true' } }],
])('the setting may come from %s', (_, options) => {
  expect(workspace.load(minimal('http: { host: 0.0.0.0 }'), options).http.host).toBe('0.0.0.0');
});

test('what outranks it takes it back', () => {
  const environment = { FOREWARM_HTTP__EXPOSE_WITHOUT_AUTHENTICATION: 'false' };
  const problems = workspace.problems(minimal(`http: { host: 0.0.0.0, ${exposed} }`), { environment });
  expect(problems).toMatchObject([{ path: 'http.host' }]);
});

test.each(['yes', '1', 'TRUE'])('%s is not understood as yes', (value) => {
  const environment = { FOREWARM_HTTP__EXPOSE_WITHOUT_AUTHENTICATION: value };
  const from = 'environment variable FOREWARM_HTTP__EXPOSE_WITHOUT_AUTHENTICATION';
  expect(workspace.problems(minimal(), { environment })).toMatchObject([{ from, expected: '`true` or `false`' }]);
});

test.each(['example.org', '', '256.0.0.1', '127.1'])('%j is no address to listen on', (host) => {
  const problems = workspace.problems(minimal(`http: { host: "${host}", ${exposed} }`));
  expect(problems).toMatchObject([{ path: 'http.host', expected: expect.stringContaining('an IP address') }]);
});
