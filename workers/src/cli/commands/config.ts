import Table from 'cli-table3';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { approximateBytes } from '#shared/config/bytes';
import { resolvedView } from '#shared/config/show';
import { type GridSize, gridSize } from '#shared/config/sizes';
import type { ModelConfig } from '#shared/config/types';
import { ModelCatalogue } from '#shared/model/model-catalogue';
import { OnnxModel } from '#shared/model/onnx-model';
import type { ModelMapping, ModelSpec } from '#shared/model/spec';
import { checkModels } from '../../models-check';
import { Invocation } from '../invocation';

export function addConfig(program: Command): void {
  const config = program.command('config').description('look at the configuration');
  config
    .command('check')
    .description('validate the configuration and try each model; prints what each will take')
    .action((_options: unknown, command: Command) => check(new Invocation(command)));
  config
    .command('show')
    .description('print the resolved configuration, secrets masked')
    .action((_options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const view = resolvedView(invocation.config());
      invocation.answer(view, () => stringify(view).trimEnd());
    });
}

interface CheckedModel {
  readonly model: ModelConfig;
  readonly spec: ModelSpec;
  readonly size: GridSize;
}

async function check(invocation: Invocation): Promise<void> {
  const config = invocation.config();
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
  invocation.answer(document, () => `${table(checked)}\n${config.source.path} is valid.`);
}

async function openOnce(mapping: ModelMapping, probeCategory: string): Promise<ModelSpec> {
  const opened = await OnnxModel.open(mapping, probeCategory);
  await opened.release();
  return opened.spec;
}

async function measure(models: ModelCatalogue, model: ModelConfig): Promise<CheckedModel> {
  const spec = await models.resolve(model.name);
  const categoryBytes = model.categories.reduce((bytes, category) => bytes + Buffer.byteLength(category), 0);
  const shape = { axes: spec.axes, categories: model.categories.length, categoryBytes, outputs: spec.outputs.length };
  return { model, spec, size: gridSize(shape) };
}

function table(checked: readonly CheckedModel[]): string {
  const rendered = new Table({
    head: ['model', 'rows', 'cells', 'predictions', 'row', 'Redis', 'every', 'outputs', 'generation'],
    style: { head: [], border: [] },
  });
  for (const { model, spec, size } of checked) {
    rendered.push([
      model.name,
      size.rows.toLocaleString('en'),
      `${spec.axes.map((axis) => axis.values.length).join(' x ')} = ${size.cells}`,
      size.predictions.toLocaleString('en'),
      approximateBytes(size.rowBytes),
      `about ${approximateBytes(size.redisBytes)}`,
      `${model.everyMs / 1_000}s`,
      spec.outputs.join(', '),
      spec.generation,
    ]);
  }
  return rendered.toString();
}
