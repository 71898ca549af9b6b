import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the installed package. */
export function packageRoot(): string {
  return dirname(dirname(__dirname));
}

/** The version of the package, as its manifest says. */
export function version(): string {
  const manifest = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
