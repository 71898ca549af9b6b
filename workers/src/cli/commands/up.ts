import type { Command } from 'commander';
import { requestWarm } from '#jobs/on-demand';
import { maskUrl } from '#shared/config/secrets';
import type { ModelConfig } from '#shared/config/types';
import { ForewarmError } from '#shared/errors';
import { errorFacts } from '#shared/logger';
import type { Answer } from '#shared/predictor/answers';
import type { Daemon } from '../../daemon';
import { firstCycle } from '../../first-cycle';
import type { Up } from '../../up';
import { addFolder, Invocation } from '../invocation';
import { aborted, runUntilSignal } from '../run-until-signal';
import { cacheReader } from '../with-reader';
import { describeAnswer } from './predict';

interface UpCommandOptions {
  readonly check?: boolean;
}

/** A first cycle on a slow machine, with a large model. */
const FIRST_CYCLE_LIMIT_MS = 120_000;

export function addUp(program: Command): void {
  addFolder(program.command('up'))
    .description('run everything here: private Redis and PostgreSQL, the sample model, the daemon')
    .option('--check', 'wait for the first complete cycle, look one prediction up, stop everything')
    .action((options: UpCommandOptions, command: Command) => up(new Invocation(command), options));
}

async function up(invocation: Invocation, options: UpCommandOptions): Promise<void> {
  const beganMs = Date.now();
  // A check must run beside anything: it takes any free port.
  const overrides = options.check === true ? { 'http.port': '0' } : {};
  const configure = (defaults: Readonly<Record<string, string>>) =>
    invocation.configOfUp(overrides, defaults, 'ask later');
  const log = invocation.logger(configure({}));
  let serverLost: (error: ForewarmError) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => {
    serverLost = reject;
  });
  lost.catch(() => undefined);
  // Loaded here and not above: every other command would wait for it too.
  const { Up } = await import('../../up.js');
  const { folder, environment } = invocation;
  const onExit = (error: ForewarmError): void => {
    // Stopping takes a while without it: not in silence.
    log.warn('a private server ended by itself: stopping', { server: error.details.server });
    serverLost(error);
  };
  const service = new Up({ folder, environment, log, configure, onExit });
  await runUntilSignal(service, log, async (signal) => {
    const { daemon } = service;
    if (daemon === undefined) return;
    const work =
      options.check === true ? check(invocation, daemon, beganMs, signal) : run(invocation, service, daemon, signal);
    await Promise.race([work, lost, aborted(signal)]);
  });
}

async function run(invocation: Invocation, service: Up, daemon: Daemon, signal: AbortSignal): Promise<void> {
  const { config } = daemon.context;
  const lines = [
    ['configuration', config.source.path],
    ...(daemon.docsUrl === undefined ? [] : [['predictions', daemon.docsUrl]]),
    ...(daemon.dashboardUrl === undefined ? [] : [['queues', daemon.dashboardUrl]]),
    ['health, metrics', `${daemon.http.url}/healthz, ${daemon.http.url}/metrics`],
    ['Redis', maskUrl(config.redis.cacheUrl)],
    ['PostgreSQL', maskUrl(config.postgres.url ?? '')],
    ['data and logs', service.embedded.folder],
  ].map(([name, value]) => `  ${(name ?? '').padEnd(16)} ${value}`);
  const { dashboardUrl } = daemon;
  invocation.answer({ url: daemon.http.url, dashboardUrl, folder: service.embedded.folder }, () =>
    [invocation.colours.bold('Forewarm is up.'), ...lines, ''].join('\n'),
  );
  for (const model of config.models) await showFirst(invocation, daemon, model, signal);
  invocation.answer({ running: true }, () => 'One line per cycle follows; Ctrl-C stops everything.');
  await aborted(signal);
}

/** A first prediction as soon as there is one. What goes wrong with it is told, and ends nothing. */
async function showFirst(
  invocation: Invocation,
  daemon: Daemon,
  model: ModelConfig,
  signal: AbortSignal,
): Promise<void> {
  try {
    await firstCycle(daemon.context, model.name, undefined, Number.POSITIVE_INFINITY, signal);
    const { answer, pairs, category, coordinates } = await lookUp(daemon, model);
    invocation.answer({ model: model.name, category, coordinates, ...answer }, () =>
      [
        `A first prediction, as \`forewarm predict${invocation.optionsToFindIt} --model ${model.name} ` +
          `--category "${category}" ${pairs.join(' ')}\`:`,
        describeAnswer({ model: model.name, category, axes: pairs.join(' ') }, answer, invocation.columns),
        '',
      ].join('\n'),
    );
  } catch (error) {
    if (!signal.aborted) daemon.context.log.warn('no first prediction', { model: model.name, ...errorFacts(error) });
  }
}

async function check(invocation: Invocation, daemon: Daemon, beganMs: number, signal: AbortSignal): Promise<void> {
  const { context } = daemon;
  for (const model of context.config.models) {
    const cache = context.cache(model.name);
    // Of an earlier run, perhaps of the same second.
    const known = (await cache.metadata())?.cycle;
    // Where all rows are there already nothing is due before the next tick.
    if ((await cache.pointer()) !== undefined) {
      await requestWarm(context.enqueue, model, { model: model.name }, 'command');
    }
    const metadata = await firstCycle(context, model.name, known, FIRST_CYCLE_LIMIT_MS, signal);
    if (metadata.state !== 'complete' || metadata.rows !== metadata.expected) {
      const rows = `${metadata.rows} of ${metadata.expected} rows`;
      throw new ForewarmError('FW_CHECK_FAILED', `cycle ${metadata.cycle} is ${metadata.state} with ${rows}`);
    }
    const { answer, pairs, category, coordinates, tookMs } = await lookUp(daemon, model);
    const cells = model.axes.reduce((product, axis) => product * axis.values.length, 1);
    const figures = {
      ok: true,
      model: model.name,
      rows: metadata.rows,
      predictions: metadata.rows * cells,
      cycle_s: metadata.duration_s,
      total_s: (Date.now() - beganMs) / 1_000,
      lookup_ms: Number(tookMs.toFixed(2)),
      prediction: { category, coordinates, ...answer },
    };
    invocation.answer(figures, () =>
      [
        describeAnswer({ model: model.name, category, axes: pairs.join(' ') }, answer, invocation.columns),
        `${invocation.colours.green('ok')} ${model.name}: ${figures.rows} rows, ${figures.predictions.toLocaleString('en')} predictions in a ` +
          `cycle of ${figures.cycle_s} s; looked up in ${figures.lookup_ms} ms; ${figures.total_s.toFixed(1)} s in all`,
      ].join('\n'),
    );
  }
}

/** A prediction of the first category from the middle of the axes, through Redis as an application would. */
async function lookUp(daemon: Daemon, model: ModelConfig) {
  const { config } = daemon.context;
  const middle = <T>(items: readonly T[]): T => items[Math.floor(items.length / 2)] as T;
  const category = model.categories[0] ?? '';
  const coordinates = Object.fromEntries(model.axes.map((axis) => [axis.name, middle(axis.values)]));
  const reader = cacheReader(daemon.cacheClient, config, model);
  const began = performance.now();
  const answer: Answer = await reader.predict(model.name, category, coordinates);
  const tookMs = performance.now() - began;
  await reader.close();
  const pairs = Object.entries(coordinates).map(([axis, value]) => `${axis}=${value}`);
  return { answer, pairs, category, coordinates, tookMs };
}
