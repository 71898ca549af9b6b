import { CONDITIONS, type ConditionName } from '#shared/alerts/conditions';
import { resolvedView } from '#shared/config/show';
import type { Config } from '#shared/config/types';

/** The settings that bound a condition, each with its value: `alerts.minCoverage 0.99`. Of models, what is not the same for all is left open. */
export function boundsOf(config: Config, condition: ConditionName): readonly string[] {
  const { settings, models } = resolvedView(config);
  return CONDITIONS[condition].settings.map((path) => {
    const [, name] = /^models\.\*\.(.+)$/.exec(path) ?? [];
    if (name === undefined) return `${path} ${text(at(settings, path.split('.')))}`;
    const values = new Set(Object.values(models).map((model) => text(model[name])));
    const [only = ''] = values;
    return values.size === 1 && only !== '' ? `${name} ${only}` : name;
  });
}

function at(document: unknown, [first, ...rest]: readonly string[]): unknown {
  const below = first === undefined ? document : (document as Record<string, unknown> | undefined)?.[first];
  return first === undefined ? below : at(below, rest);
}

function text(value: unknown): string {
  return value === null || value === undefined || typeof value === 'object' ? '' : String(value);
}
