import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ModelCache } from '#shared/cache/model-cache';
import type { Config, ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { readModelFile } from '#shared/model/model-file';
import { refusalText } from '#shared/rollout/gates';
import type { Candidate } from '../../candidate';
import { installModel } from '../../install-model';
import { gateLines } from '../gate-report';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { EXIT_INTERRUPTED, withProgress } from '../with-progress';
import { withRedis } from '../with-redis';
import { warmOnDemand } from './warm';

interface PublishOptions {
  readonly model?: string;
  readonly file?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

export function addPublish(program: Command): void {
  addFolder(program.command('publish'))
    .description('put a new model file into service, when its gates pass it; a daemon does the work')
    .option('--model <name>', 'the model; may be left out when only one is configured')
    .option('--file <path>', 'the new ONNX file, which takes the place of models.NAME.file; that itself when left out')
    .option('--dry-run', 'compute every row here, say what the gates say, and change nothing')
    .option('--force', 'publish it also when a gate refuses it')
    .option('--wait', 'wait for the end of the cycle that publishes it')
    .addHelpText(
      'after',
      '\nEvery row of the file is computed here first and held to the gates against what is live: a file that is refused changes\n' +
        'nothing. With --force that is left out.',
    )
    .action((options: PublishOptions, command: Command) => run(new Invocation(command), options));
}

async function run(invocation: Invocation, options: PublishOptions): Promise<void> {
  const { force = false, dryRun = false, wait = false } = options;
  const config = invocation.configOfRunning();
  const configured = chooseModel(config, options.model);
  const model = options.file === undefined ? configured : { ...configured, file: resolve(options.file) };
  if (dryRun || !force) {
    const candidate = await inspect(invocation, config, model);
    if (candidate === undefined) return;
    if (dryRun) return answerDryRun(invocation, model, candidate);
    if (!candidate.report.passed) {
      for (const line of gateLines(candidate.report, invocation.colours)) process.stderr.write(`${line}\n`);
      const what = `${model.file} is generation ${candidate.spec.generation} of ${model.name}`;
      throw new ForewarmError('FW_GATE_REFUSED', `${what}, and is not published: ${refusalText(candidate.report)}`, {
        next: 'Nothing was changed. Look at the cells that are named; if they are right, publish it with --force.',
        details: { worst: candidate.report.worst, figures: candidate.report.figures },
      });
    }
  }
  if (model.file !== configured.file) await installModel(await readModelFile(model), configured.file);
  const request = { model: model.name, categories: [], force: false, publishAnyway: force };
  await warmOnDemand(invocation, config, configured, request, { trigger: 'command', wait });
}

/** @returns `undefined` when it was interrupted */
async function inspect(invocation: Invocation, config: Config, model: ModelConfig): Promise<Candidate | undefined> {
  // Loaded here and not above: every other command would wait for it too.
  const { inspectCandidate } = await import('../../candidate.js');
  return withProgress(invocation, 'computing', async ({ show, signal }) => {
    try {
      return await withRedis(config.redis.cacheUrl, (redis) =>
        inspectCandidate(config, model, new ModelCache(redis, config.keyPrefix, model.name), {
          ...{ environment: invocation.environment, signal },
          onProgress: (done, of) => show({ done, of, unit: 'rows' }),
        }),
      );
    } catch (error) {
      if (!signal.aborted) throw error;
      process.exitCode = EXIT_INTERRUPTED;
      invocation.answer({ model: model.name, interrupted: true }, () => 'Interrupted. Nothing was changed.');
      return undefined;
    }
  });
}

function answerDryRun(invocation: Invocation, { name, file }: ModelConfig, { spec, report, live }: Candidate): void {
  const { generation, modelVersion } = spec;
  invocation.answer({ model: name, file, generation, modelVersion, live, dryRun: true, ...report }, () =>
    [
      `${invocation.colours.yellow('dry run')} ${name}: ${file} is generation ${generation}, model version ${modelVersion}`,
      live === generation ? '  it is live' : `  against ${live ?? 'nothing'}, which is live`,
      ...gateLines(report, invocation.colours),
    ].join('\n'),
  );
  if (!report.passed) process.exitCode = new ForewarmError('FW_GATE_REFUSED', '').exitCode;
}
