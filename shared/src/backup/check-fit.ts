import type { Axis } from '../cache/grid';
import { formatDuration } from '../config/duration';
import { ForewarmError } from '../errors';
import type { RestoreRequest } from './restore-request';
import type { RestoreSource } from './restore-source';

/**
 * Whether what is to be restored may be: it answers for the configured model, and is not too old.
 * @throws ForewarmError FW_BACKUP_OTHER_MODEL, FW_BACKUP_TOO_OLD
 */
export function checkFit(model: string, source: RestoreSource, request: RestoreRequest, now: Date): void {
  const { facts, name, startedAt } = source;
  const other = (what: string) => new ForewarmError('FW_BACKUP_OTHER_MODEL', `${name} ${what}`);
  if (facts.model !== model) throw other(`is of model ${facts.model}, not of ${model}`);
  const axes = differenceOfAxes(facts.axes, request.axes);
  if (axes !== undefined) throw other(`has other axes than models.${model}: ${axes}`);
  const { outputs } = request;
  if (outputs !== undefined && outputs.join('\n') !== facts.outputs.join('\n')) {
    throw other(`has the outputs ${facts.outputs.join(', ')}; models.${model} has ${outputs.join(', ')}`);
  }
  if (startedAt === undefined || request.maxAgeMs === undefined) return;
  const ageMs = now.getTime() - startedAt.getTime();
  if (ageMs <= request.maxAgeMs) return;
  throw new ForewarmError(
    'FW_BACKUP_TOO_OLD',
    `${name} was begun at ${startedAt.toISOString()}, longer ago than ${formatDuration(request.maxAgeMs)}`,
  );
}

function differenceOfAxes(found: readonly Axis[], wanted: readonly Axis[]): string | undefined {
  const names = (axes: readonly Axis[]): string => axes.map(({ name }) => name).join(', ');
  if (names(found) !== names(wanted)) return `${names(found)} instead of ${names(wanted)}`;
  const at = found.findIndex(({ values }, i) => JSON.stringify(values) !== JSON.stringify(wanted[i]?.values));
  return at === -1 ? undefined : `${found[at]?.name} has other values`;
}
