import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, type LoadOptions, loadConfig } from '#shared/config/load';
import type { Problem } from '#shared/config/problem';
import { ForewarmError } from '#shared/errors';

/** A folder of its own for one test file; removed when it ends. */
export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'forewarm-config-'));

  write(name: string, content: string | Uint8Array): string {
    const file = join(this.folder, name);
    writeFileSync(file, content);
    return file;
  }

  load(yaml: string | Uint8Array, options: Partial<LoadOptions> = {}): Config {
    return loadConfig({ path: this.write('forewarm.yaml', yaml), environment: {}, ...options });
  }

  /** What refusing the configuration throws; fails when it is accepted. */
  refusal(yaml: string | Uint8Array, options: Partial<LoadOptions> = {}): ForewarmError {
    try {
      this.load(yaml, options);
    } catch (error) {
      if (error instanceof ForewarmError) return error;
      throw error;
    }
    throw new Error('the configuration was accepted');
  }

  /** The problems of a configuration, with the folder taken out of `from` and `expected`. */
  problems(yaml: string, options: Partial<LoadOptions> = {}): Problem[] {
    const error = this.refusal(yaml, options);
    expect(error.code).toBe('FW_CONFIG_INVALID');
    const short = (text: string) => text.replaceAll(`${this.folder}/`, '');
    const problems = error.details.problems as Problem[];
    return problems.map((problem) => ({ ...problem, from: short(problem.from), expected: short(problem.expected) }));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** The smallest configuration that is accepted, with `settings` in front and `model` at the end of its one model. */
export function minimal(settings = '', model = ''): string {
  const lines = ['models:', '  calls:', '    file: m.onnx', '    axes: { hour: { from: 0, to: 23 } }'];
  const own = model.includes('categories:') ? [] : ['    categories: [a, b]'];
  const added = model === '' ? [] : model.split('\n').map((line) => `    ${line}`);
  return `${[...(settings === '' ? [] : [settings]), ...lines, ...own, ...added].join('\n')}\n`;
}
