// Checks the import graph and the reads of the process environment. Usage: check.mjs [ROOT]; exit code 1 on a violation.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cruise } from 'dependency-cruiser';
import { environmentFile, environmentReads } from './environment-reads.mjs';
import { importRules } from './rules.mjs';

const root = resolve(process.argv[2] ?? '.');
process.chdir(root);
const sourceFolders = ['shared/src', 'jobs/src', 'workers/src', 'scripts/src'].filter((folder) => existsSync(folder));

/** What dependency-cruiser has to know to follow `#shared/x` to `shared/src/x.ts` without a TypeScript compiler. */
const resolution = {
  alias: Object.fromEntries(['shared', 'jobs', 'workers'].map((name) => [`#${name}`, join(root, name, 'src')])),
  extensions: ['.ts', '.js', '.cjs', '.mjs', '.json', '.node', '.d.ts'],
  extensionAlias: { '.js': ['.ts', '.js'] },
  mainFields: ['types', 'typings', 'main'],
  exportsFields: ['exports'],
  conditionNames: ['types', 'require', 'node', 'default', 'import'],
};

async function importViolations() {
  const { output } = await cruise(
    sourceFolders,
    {
      validate: true,
      ruleSet: { forbidden: importRules },
      baseDir: root,
      parser: 'swc',
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
    },
    resolution,
  );
  const comments = new Map(importRules.map((rule) => [rule.name, rule.comment]));
  const violations = output.summary.violations.map(({ rule, from, to, cycle }) => ({
    rule: rule.name,
    where: [from, ...(cycle ?? [{ name: to }]).map((module) => module.name)].join(' → '),
    comment: comments.get(rule.name),
  }));
  return {
    violations,
    modules: output.modules.filter((module) => sourceFolders.some((f) => module.source.startsWith(f))),
  };
}

function environmentViolations() {
  const files = sourceFolders.flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file}`),
  );
  return files
    .filter((file) => file !== environmentFile)
    .flatMap((file) =>
      environmentReads(readFileSync(file, 'utf8')).map((line) => ({
        rule: 'environment-in-one-file',
        where: `${file}:${line}`,
        comment: `only ${environmentFile} reads process.env: take the value from the configuration`,
      })),
    );
}

const graph = await importViolations();
const violations = [...graph.violations, ...environmentViolations()];
for (const { rule, where, comment } of violations) process.stdout.write(`${rule}: ${where}\n    ${comment}\n`);
process.stdout.write(
  violations.length === 0
    ? `${graph.modules.length} modules, no violation\n`
    : `${graph.modules.length} modules, ${violations.length} violation${violations.length === 1 ? '' : 's'}\n`,
);
process.exitCode = violations.length === 0 ? 0 : 1;
