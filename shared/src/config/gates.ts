import { type Bounds, DEFAULT_BAND, type DriftLimits } from '../rollout/gates';
import { isPlainMap } from './plain-map';
import type { Refuse, ValueType } from './values';

/** What a new generation is held to: `bounds` and `maxDrift`. */

const BOUNDS = '{ min: NUMBER, max: NUMBER }';

export const boundsType: ValueType<Bounds | Record<string, Bounds>> = {
  label: `\`${BOUNDS}\`, one of them or both, or a map of output to such`,
  read(raw, refuse) {
    if (!isPlainMap(raw) || Object.keys(raw).length === 0) return refuse(`${BOUNDS}, or a map of output to such`);
    // An output may be named `min`: a number there is a limit, a map is of an output.
    if (!Object.values(raw).some(isPlainMap)) return bounds(raw, refuse);
    const entries = Object.entries(raw).flatMap(([output, given]) => {
      const below: Refuse = (expected, path = []) => refuse(expected, [output, ...path]);
      const found = isPlainMap(given) ? bounds(given, below) : below(BOUNDS);
      return found === undefined ? [] : [[output, found] as const];
    });
    return Object.fromEntries(entries);
  },
};

function bounds({ min, max, ...others }: Readonly<Record<string, unknown>>, refuse: Refuse): Bounds | undefined {
  for (const name of Object.keys(others)) refuse('only `min` and `max`', [name]);
  const [least, most] = [limit(min, 'min', refuse), limit(max, 'max', refuse)];
  if (min === undefined && max === undefined) return refuse('`min`, `max` or both');
  if (least !== undefined && most !== undefined && most < least) return refuse(`a number not below \`min\``, ['max']);
  return { ...(least === undefined ? {} : { min: least }), ...(most === undefined ? {} : { max: most }) };
}

function limit(value: unknown, name: string, refuse: Refuse): number | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : refuse('a finite number', [name]);
}

const DRIFT = '{ mean: SHARE, share: SHARE, band: SHARE }';

export const driftType: ValueType<DriftLimits> = {
  label: `\`${DRIFT}\`, each such as 0.2 or 20%`,
  read(raw, refuse) {
    if (!isPlainMap(raw)) return refuse(`${DRIFT}, with \`mean\`, \`share\` or both`);
    const { mean, share, band, ...others } = raw;
    for (const name of Object.keys(others)) refuse('only `mean`, `share` and `band`', [name]);
    if (mean === undefined && share === undefined) return refuse('`mean`, `share` or both');
    const limits = {
      mean: part(mean, 'mean', 1_000_000, refuse),
      share: part(share, 'share', 1, refuse),
      band: part(band, 'band', 1_000_000, refuse) ?? DEFAULT_BAND,
    };
    return Object.fromEntries(
      Object.entries(limits).filter(([, value]) => value !== undefined),
    ) as unknown as DriftLimits;
  },
};

function part(value: unknown, name: string, most: number, refuse: Refuse): number | undefined {
  if (value === undefined) return undefined;
  const [, digits] = typeof value === 'string' ? (/^(\d+(?:\.\d+)?) ?%$/.exec(value) ?? []) : [];
  const found = digits === undefined ? value : Number(digits) / 100;
  if (typeof found === 'number' && found >= 0 && found <= most) return found;
  return refuse(`a share from 0 to ${most}, such as 0.2 or 20%`, [name]);
}
