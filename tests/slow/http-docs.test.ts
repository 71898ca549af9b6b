import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DaemonProcess } from '../support/daemon-process';
import { makeTempFolder, removeFolders } from '../support/servers/temp-folder';
import { NO_COLOURS } from './cli/command';

/** Every request that the README and docs/http.md show is one that is answered, by the sample as `forewarm up` runs it. */

jest.setTimeout(120_000);

const ROOT = join(__dirname, '..', '..');
const TOKEN = 'the-token-of-this-test';
const run = promisify(execFile);

const text = ['README.md', 'docs/http.md'].map((page) => readFileSync(join(ROOT, page), 'utf8')).join('\n');
/** A line that ends within quotes goes on. */
const requests = [...text.matchAll(/^```sh\n([\s\S]*?)^```/gm)].flatMap(([, block = '']) =>
  block.split(/\n(?=curl )/).flatMap((request) => (request.startsWith('curl ') ? [request.trim()] : [])),
);

let folder: string;
let up: DaemonProcess | undefined;
let url: string;

beforeAll(async () => {
  folder = makeTempFolder('http-docs');
  const sample = readFileSync(join(ROOT, 'forewarm.yaml'), 'utf8').replaceAll('samples/', `${ROOT}/samples/`);
  writeFileSync(join(folder, 'forewarm.yaml'), sample);
  const env = { ...NO_COLOURS, FOREWARM_HTTP__TOKENS: TOKEN };
  up = new DaemonProcess(['up', '--set', 'http.port=0'], { cwd: folder, env });
  const printed = await up.printed('A first prediction');
  url = /http:\/\/127\.0\.0\.1:\d+(?=\/healthz)/.exec(printed)?.[0] ?? '';
});
afterAll(async () => {
  await up?.stop();
  removeFolders(folder);
});

test('there are requests of every kind', () => {
  const all = requests.join('\n');
  for (const path of ['predictions?', 'predictions ', 'rows?', '/v1/models\n', '/warm ', '/infer '])
    expect(all).toContain(path);
});

test.each(requests)('%s', async (request) => {
  // With the token, which the page leaves out where there need be none.
  const sent = request
    .replaceAll('http://127.0.0.1:7878', url)
    .replace(
      /^curl /,
      `curl --fail-with-body -w ' %{http_code}' ${request.includes('$TOKEN') ? '' : `-H 'Authorization: Bearer ${TOKEN}' `}`,
    );
  const { stdout } = await run('sh', ['-c', sent], { env: { ...process.env, TOKEN } });
  expect(stdout).toMatch(/ 200$/);
});
