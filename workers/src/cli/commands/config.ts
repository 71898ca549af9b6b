import type { Command } from 'commander';
import { stringify } from 'yaml';
import { approximateBytes } from '#shared/config/bytes';
import { formatDuration } from '#shared/config/duration';
import type { Environment } from '#shared/config/environment';
import { resolvedView } from '#shared/config/show';
import { type GridSize, gridSize } from '#shared/config/sizes';
import type { Config } from '#shared/config/types';
import { type TriedModel, warningsOf } from '../../models-check';
import { addFolder, Invocation } from '../invocation';
import { type Column, tableLines } from '../table';

export function addConfig(program: Command): void {
  const config = program.command('config').description('look at the configuration');
  addFolder(config.command('check'))
    .description('validate the configuration and try each model; prints what each will take')
    .addHelpText('after', '\nA model that takes longer than inference.timeLimit (60s unless set) is refused.')
    .action((_options: unknown, command: Command) => check(new Invocation(command)));
  addFolder(config.command('show'))
    .description('print the resolved configuration, secrets masked')
    .action((_options: unknown, command: Command) => {
      const invocation = new Invocation(command);
      const view = resolvedView(invocation.configToLook());
      invocation.answer(view, () => stringify(view).trimEnd());
    });
}

interface CheckedModel extends TriedModel {
  readonly size: GridSize;
}

async function check(invocation: Invocation): Promise<void> {
  const config = invocation.configOfRunning();
  const checked = (await tryModels(config, invocation.environment)).map(measure);
  const warnings = checked.flatMap(warningsOf);
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
    warnings,
  };
  invocation.answer(document, () =>
    [
      ...tableLines(checked, COLUMNS, invocation),
      '',
      ...warnings.map((warning) => `${invocation.colours.yellow('warning')} ${warning}.`),
      `${config.source.path} is valid.`,
    ].join('\n'),
  );
}

/** Each model is tried in a process of its own, as by the daemon: one that crashes the runtime, or hangs, is told of as well. */
async function tryModels(config: Config, environment: Environment): Promise<readonly TriedModel[]> {
  // Loaded here and not above: every other command would wait for it too.
  const { ModelsTrial } = await import('../../models-trial.js');
  const trial = new ModelsTrial(config, environment);
  try {
    await trial.start();
    return trial.tried;
  } finally {
    await trial.stop();
  }
}

function measure({ model, spec }: TriedModel): CheckedModel {
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
