import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '../../..');

/** The packages and own files that requiring `file` loads, in a process of its own. */
function loadedBy(file: string): { readonly exports: string[]; readonly packages: string[]; readonly own: string[] } {
  const script = `
    const exported = Object.keys(require(${JSON.stringify(join(root, file))})).sort();
    console.log(JSON.stringify({ exported, files: Object.keys(require.cache) }));`;
  const output = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: root });
  const { exported, files } = JSON.parse(output) as { exported: string[]; files: string[] };
  const packageOf = (path: string) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
  return {
    exports: exported,
    packages: [...new Set(files.flatMap((path) => packageOf(path) ?? []))].sort(),
    own: files.filter((path) => packageOf(path) === undefined).map((path) => path.slice(root.length + 1)),
  };
}

test('the main entry offers the reader and the format, and loads neither runtime, queue nor servers', () => {
  const { exports, packages, own } = loadedBy('dist/shared/reader.js');
  expect(exports).toEqual(expect.arrayContaining(['ForewarmError', 'Predictor', 'decodeRow', 'KeySpace', 'cellIndex']));
  expect(own).toContain('dist/shared/predictor/predictor.js');
  expect(packages).toContain('zod');
  const heavy = ['onnxruntime-node', 'onnxruntime-common', 'bullmq', 'pg', 'fastify', 'workerpool', 'winston'];
  for (const name of [...heavy, '@opentelemetry/api', 'prom-client']) expect(packages).not.toContain(name);
  expect(own.filter((path) => !path.startsWith('dist/shared/'))).toEqual([]);
});

test('the format loads the checksum and the checks of JSON, and no client of any server', () => {
  const { exports, packages } = loadedBy('dist/shared/cache/format.js');
  expect(exports).toEqual(expect.arrayContaining(['decodeRow', 'encodeRow', 'parseLivePointer', 'parseEvent']));
  expect(packages.filter((name) => !name.startsWith('@node-rs/crc32'))).toEqual(['zod']);
});
