import type { ModelCache } from '#shared/cache/model-cache';
import type { LivePointer } from '#shared/cache/pointer';
import { errorFacts, type Logger } from '#shared/logger';
import type { ModelSpec } from '#shared/model/spec';
import { pairRows } from '#shared/rollout/compare-generations';
import { GateKeeper, type GateReport, refusalText, worstText } from '#shared/rollout/gates';
import type { JobContext } from '../context';
import type { SettledCycle } from './settle-cycle';

/** The alert of a generation that may not go live. */
export const GATE_REFUSED = 'gate-refused';

/**
 * Holds the rows of a generation to the gates of its model.
 * @param mayLack whether rows that are missing do not count, because the cache has evicted them
 * @throws ForewarmError FW_REDIS_UNAVAILABLE
 */
export async function inspectGeneration(
  context: JobContext,
  cache: ModelCache,
  spec: ModelSpec,
  live: LivePointer,
  settled: SettledCycle,
  mayLack: boolean,
): Promise<GateReport> {
  const { categories, bounds, maxDrift } = context.models.configured(spec.name);
  const keeper = new GateKeeper(spec, { bounds, maxDrift });
  for await (const pairs of pairRows(cache, categories, spec, live)) {
    for (const { category, row, other } of pairs) {
      if (row !== undefined) keeper.add(category, row.values, other?.values);
      else if (!mayLack) keeper.lacks(category);
    }
  }
  for (const { category, position } of settled.batches.flatMap(({ failures }) => failures)) {
    if (position !== undefined) keeper.refused(category, position, Number.NaN);
  }
  return keeper.report();
}

/** Tells of a refusal: an alert, a log line with the cells that speak most against the generation, and its record. */
export async function tellRefusal(
  context: JobContext,
  spec: ModelSpec,
  live: LivePointer,
  report: GateReport,
  log: Logger,
): Promise<void> {
  const { name: model, generation } = spec;
  const says = refusalText(report);
  const worst = report.worst.map(worstText);
  const facts = { generation, live: live.generation, figures: report.figures, worst };
  const told = { level: 'error', apart: generation, log } as const;
  const next = 'Compare them with `forewarm diff`; publish it all the same with `forewarm publish --force`.';
  context.errors.report('a gate refuses the new generation', new Error(says), { ...facts, next }, told);
  const message = `generation ${generation} is not published, ${live.generation} stays live: ${says}`;
  const now = new Date(context.clock.now());
  try {
    await context.generations.refused(model, generation, report);
    await context.alerts.fire({ condition: GATE_REFUSED, model, message, facts }, context.host, now);
  } catch (error) {
    context.errors.report('the refusal of a generation could not be recorded', error, errorFacts(error), { log });
  }
}

/** Ends the alert: the generation went live, and with it whatever another was refused for is past. */
export function tellAccepted(context: JobContext, model: string, generation: string, log: Logger): Promise<void> {
  return forgetRefusal(context, model, generation, undefined, log);
}

/** Ends the alert of a generation that is dropped; of another one that is refused meanwhile it goes on. */
export function tellDropped(context: JobContext, model: string, generation: string, log: Logger): Promise<void> {
  return forgetRefusal(context, model, generation, generation, log);
}

async function forgetRefusal(
  context: JobContext,
  model: string,
  generation: string,
  ofOnly: string | undefined,
  log: Logger,
): Promise<void> {
  try {
    await context.generations.refused(model, generation, null);
    await context.alerts.resolve([GATE_REFUSED], model, new Date(context.clock.now()), ofOnly);
  } catch (error) {
    context.errors.report('the end of a refusal could not be recorded', error, errorFacts(error), { log });
  }
}
