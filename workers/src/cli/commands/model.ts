import { basename, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { Document, isScalar, visit } from 'yaml';
import { decodeRow } from '#shared/cache/row';
import { approximateBytes } from '#shared/config/bytes';
import type { Config } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import type { PackedRow } from '#shared/inference/protocol';
import type { ModelFacts } from '#shared/model/describe-model';
import { type ModelSpec, rowFrame, type TensorDescription } from '#shared/model/spec';
import type { RowAnswer } from '#shared/predictor/answers';
import { warningsOf } from '../../models-check';
import { proposeConfig } from '../../propose-config';
import { suggestCategory } from '../../suggest-category';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { tableLines } from '../table';
import { type ShowOptions, showRow } from './show';

export function addModel(program: Command): void {
  const model = program.command('model').description('look into a model file, and try a configuration of it');
  model
    .command('inspect')
    .description('show what an ONNX file has, and a configuration for it that runs')
    .argument('<file>', 'path of the ONNX file')
    .addHelpText(
      'after',
      '\nWhat it proposes is written to standard output: look at each line that it says it guessed.',
    )
    .action((file: string, _options: unknown, command: Command) => inspect(new Invocation(command), resolve(file)));
  addFolder(model.command('try'))
    .description('compute one category with the model file and show its row as a heat map; nothing is written')
    .argument('[category]', 'the category; the first one when left out')
    .argument('[axis=value...]', 'values of the axes that are not shown; the first of each when left out')
    .option('--model <name>', 'the model; may be left out when only one is configured')
    .option('--output <name>', 'the output of the model; the first when left out')
    .option('--axes <names>', 'the axis down and the axis across, such as day,hour, or one for a single line')
    .addHelpText('after', '\nNeither Redis nor PostgreSQL is needed.')
    .action((category: string | undefined, pairs: string[], options: ShowOptions, command: Command) =>
      tryModel(new Invocation(command), category, pairs, options),
    );
}

/** Loaded here and not above: every other command would wait for it too. */
function modelProbe(): Promise<typeof import('../../model-probe.js')> {
  return import('../../model-probe.js');
}

async function inspect(invocation: Invocation, file: string): Promise<void> {
  const { describeFile, tryConfig } = await modelProbe();
  const facts = await describeFile(file, invocation.environment);
  const name = modelName(file);
  const proposal = proposeConfig(facts, shownPath(file));
  const { tried, error } = await tryConfig({ models: { [name]: { ...proposal.model, file } } }, invocation.environment);
  const yaml = shortYaml({ models: { [name]: proposal.model } });
  const warnings = tried === undefined ? [] : warningsOf(tried);
  const document = {
    ...facts,
    proposal: {
      ...{ yaml, guesses: proposal.guesses, warnings, runs: error === undefined, rowMs: tried?.spec.rowMs ?? null },
      error: error === undefined ? null : { code: error.code, message: error.message, next: error.next },
    },
  };
  invocation.answer(document, () =>
    [
      ...aboutFile(facts),
      '',
      ...tableLines(facts.inputs, tensorColumns('input', facts), invocation),
      '',
      ...tableLines(facts.outputs, tensorColumns('output', facts), invocation),
      '',
      verdict(invocation, tried?.spec, error),
      ...warnings.map((warning) => `${invocation.colours.yellow('warning')} ${warning}.`),
      ...proposal.guesses.map((guess) => invocation.colours.dim(`# ${guess}`)),
      yaml,
    ].join('\n'),
  );
  if (error !== undefined) process.exitCode = error.exitCode;
}

/** What has only plain values in it stands on one line, as people write it. */
function shortYaml(settings: object): string {
  const document = new Document(settings);
  visit(document, {
    Map: (_, node) => {
      if (node.items.every(({ value }) => isScalar(value)) && node.items.length <= 3) node.flow = true;
    },
  });
  return document.toString().trimEnd();
}

function verdict({ colours }: Invocation, spec: ModelSpec | undefined, error: ForewarmError | undefined): string {
  if (spec === undefined) return `${colours.red('A proposal, which does not run:')} ${error?.message ?? ''}`;
  const values = spec.outputs.length === 1 ? 'one value' : `${spec.outputs.length} values`;
  return `${colours.green('A proposal, which runs')}: ${values} per cell, ${spec.rowMs.toPrecision(2)} ms a row.`;
}

function aboutFile(facts: ModelFacts): string[] {
  const opsets = Object.entries(facts.opsets).map(([domain, version]) => `${domain} ${version}`);
  const from = facts.producer === '' ? '' : `, by ${facts.producer}`;
  return [
    `${facts.file}  ${approximateBytes(facts.bytes)}${from}`,
    `  SHA-256 ${facts.sha256}`,
    `  opsets  ${opsets.join(', ')}`,
    ...Object.entries(facts.metadata).map(([key, value]) => `  ${key}  ${value}`),
    ...(facts.hasZipMap ? ['  it ends in ZipMap, which is taken out as it is loaded'] : []),
  ];
}

function tensorColumns(what: 'input' | 'output', { labels, vocabularies }: ModelFacts) {
  const known = what === 'input' ? vocabularies : labels;
  return [
    { head: what, cell: ({ name }: TensorDescription) => name },
    { head: 'type', cell: ({ type }: TensorDescription) => type },
    {
      head: 'shape',
      cell: ({ shape }: TensorDescription) =>
        shape.length === 0 ? 'any' : `[${shape.map((size) => size || 'N').join(', ')}]`,
    },
    {
      head: what === 'input' ? 'knows' : 'classes',
      cell: ({ name }: TensorDescription) => known[name]?.slice(0, 8).join(', ') ?? '',
      spare: 1,
    },
  ];
}

/** The file's name as the name of a model. */
function modelName(file: string): string {
  const name = basename(file)
    .replace(/\.onnx$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, 64);
  return name === '' ? 'model' : name;
}

function shownPath(file: string): string {
  const near = relative(process.cwd(), file);
  return near.startsWith('..') ? file : near;
}

async function tryModel(
  invocation: Invocation,
  given: string | undefined,
  pairs: readonly string[],
  options: ShowOptions,
): Promise<void> {
  const config: Config = invocation.configOfRunning();
  const model = chooseModel(config, options.model);
  const category = given ?? model.categories[0] ?? '';
  const { computeRow } = await modelProbe();
  const { spec, row, failure } = await computeRow(config, model, category, invocation.environment);
  if (row === undefined) {
    const why = `models.${model.name}: ${JSON.stringify(category)}: ${failure?.message ?? 'no row came of it'}`;
    throw new ForewarmError(failure?.code ?? 'FW_INTERNAL', why);
  }
  if (!model.categories.includes(category)) {
    const unknown = new ForewarmError('FW_CATEGORY_UNKNOWN', `${JSON.stringify(category)} is not configured`);
    const { next } = suggestCategory(unknown, model, [category]) as ForewarmError;
    process.stderr.write(`${invocation.colours.yellow('warning')} ${unknown.message}: no cycle computes it. ${next}\n`);
  }
  showRow(invocation, { model: model.name, category, row: answerOf(spec, row) }, pairs, options);
}

function answerOf(spec: ModelSpec, { bytes, computedAtMs }: PackedRow): RowAnswer {
  const decoded = decodeRow(bytes, rowFrame(spec));
  if (!decoded.ok) throw new ForewarmError('FW_INTERNAL', `a computed row has a wrong ${decoded.fault}`);
  const { axes, outputs, generation, modelVersion } = spec;
  const computedAt = new Date(computedAtMs).toISOString();
  const provenance = { tier: 'model', generation, modelVersion, computedAt, ageMs: 0, stale: false } as const;
  return { axes, outputs, values: decoded.row.values, ...provenance };
}
