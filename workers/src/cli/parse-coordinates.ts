import type { Coordinates } from '#shared/cache/grid';
import { ForewarmError } from '#shared/errors';

/** @throws ForewarmError FW_USAGE for anything that is not NAME=VALUE, or a name given twice */
export function parseCoordinates(pairs: readonly string[]): Coordinates {
  const coordinates = new Map<string, string>();
  for (const pair of pairs) {
    const [, name, value] = /^([^=]+)=(.+)$/s.exec(pair) ?? [];
    if (name === undefined || value === undefined) {
      throw new ForewarmError('FW_USAGE', `${JSON.stringify(pair)} is not AXIS=VALUE, such as day=3`);
    }
    if (coordinates.has(name)) throw new ForewarmError('FW_USAGE', `axis ${name} is given twice`);
    coordinates.set(name, value);
  }
  return Object.fromEntries(coordinates);
}
