import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { runCommand } from '../support/daemon-process';
import { makeTempFolder, removeFolders } from '../support/servers/temp-folder';
import { SMALL_AXES, smallModel, someCategories } from '../support/system';

/** ONNX Runtime would keep an identifier of the machine and its reports in the user's home until it can send them. */

jest.setTimeout(60_000);

const folder = makeTempFolder('telemetry');
const home = makeTempFolder('telemetry-home');
afterAll(() => removeFolders(folder, home));

test('running a model reports nothing to anybody', async () => {
  const categories = someCategories(2);
  writeFileSync(join(folder, 'm.onnx'), smallModel(categories));
  writeFileSync(
    join(folder, 'forewarm.yaml'),
    stringify({ models: { m: { file: 'm.onnx', axes: SMALL_AXES, categories } } }),
  );
  // The runtime is silent by itself where CI is set.
  const env = { HOME: home, XDG_CACHE_HOME: '', TMPDIR: home, CI: '', ORT_DISABLE_TELEMETRY: '' };
  const { code, stderr } = await runCommand(['config', 'check'], { cwd: folder, env });
  expect([code, stderr]).toEqual([0, '']);
  expect(readdirSync(home, { recursive: true })).toEqual([]);
});
