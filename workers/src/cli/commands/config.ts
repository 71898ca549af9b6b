import type { Command } from 'commander';
import { stringify } from 'yaml';
import { approximateBytes } from '#shared/config/bytes';
import { formatDuration } from '#shared/config/duration';
import { resolvedView } from '#shared/config/show';
import { type GridSize, gridSize } from '#shared/config/sizes';
import type { ModelConfig } from '#shared/config/types';
import { ModelCatalogue } from '#shared/model/model-catalogue';
import { OnnxModel } from '#shared/model/onnx-model';
import type { ModelMapping, ModelSpec } from '#shared/model/spec';
import { checkModels } from '../../models-check';
import { addFolder, Invocation } from '../invocation';
import { type Column, tableLines } from '../table';

export function addConfig(program: Command): void {
  const config = program.command('config').description('look at the configuration');
  addFolder(config.command('check'))
    .description('validate the configuration and try each model; prints what each will take')
    .action((_options: unknown, command: Command) => check(new Invocation(command)));
  addFolder(config.command('show'))
    .description('print the resolved configuration, secrets masked')
    .action((_options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const view = resolvedView(invocation.configOfRunning());
      invocation.answer(view, () => stringify(view).trimEnd());
    });
}

interface CheckedModel {
  readonly model: ModelConfig;
  readonly spec: ModelSpec;
  readonly size: GridSize;
}

async function check(invocation: Invocation): Promise<void> {
  const config = invocation.configOfRunning();
  const models = new ModelCatalogue(config.models, openOnce);
  await checkModels(config, models);
  const checked = await Promise.all(config.models.map((model) => measure(models, model)));
  const document = {
    ok: true,
    file: config.source.path,
    models: checked.map(({ model, spec, size }) => ({
      name: model.name,
      generation: spec.generation,
      modelVersion: spec.modelVersion,
      outputs: spec.outputs,
      ...size,
    })),
  };
  invocation.answer(document, () =>
    [...tableLines(checked, COLUMNS, invocation), '', `${config.source.path} is valid.`].join('\n'),
  );
}

async function openOnce(mapping: ModelMapping, probeCategories: readonly string[]): Promise<ModelSpec> {
  const opened = await OnnxModel.open(mapping, probeCategories);
  await opened.release();
  return opened.spec;
}

async function measure(models: ModelCatalogue, model: ModelConfig): Promise<CheckedModel> {
  const spec = await models.resolve(model.name);
  const categoryBytes = model.categories.reduce((bytes, category) => bytes + Buffer.byteLength(category), 0);
  const shape = { axes: spec.axes, categories: model.categories.length, categoryBytes, outputs: spec.outputs.length };
  return { model, spec, size: gridSize(shape) };
}

const COLUMNS: readonly Column<CheckedModel>[] = [
  { head: 'model', cell: ({ model }) => model.name },
  { head: 'rows', cell: ({ size }) => size.rows.toLocaleString('en'), right: true },
  {
    head: 'cells',
    cell: ({ spec, size }) => `${spec.axes.map((axis) => axis.values.length).join(' x ')} = ${size.cells}`,
  },
  { head: 'predictions', cell: ({ size }) => size.predictions.toLocaleString('en'), right: true },
  { head: 'row', cell: ({ size }) => approximateBytes(size.rowBytes), right: true },
  { head: 'Redis', cell: ({ size }) => `about ${approximateBytes(size.redisBytes)}`, right: true },
  { head: 'every', cell: ({ model }) => formatDuration(model.everyMs) },
  { head: 'outputs', cell: ({ spec }) => spec.outputs.join(', '), spare: 2 },
  { head: 'generation', cell: ({ spec }) => spec.generation, spare: 1 },
];
