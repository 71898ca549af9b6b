import type { z } from 'zod';
import { modelSchema, settingsSchema } from './schema';
import { type SettingInfo, settingRegistry, shapeOf } from './setting';

/** The schema as a flat list: what the layers, the error messages and the reference walk. */

export interface Setting extends SettingInfo {
  readonly path: readonly string[];
  /** The path with dots, `http.port`. */
  readonly key: string;
}

export interface GlobalSetting extends Setting {
  /** Name of the environment variable. */
  readonly variable: string;
}

/** `http.keepAlive` is FOREWARM_HTTP__KEEP_ALIVE: `__` between the parts of the path, `_` between words. */
export function variableOf(path: readonly string[]): string {
  return `FOREWARM_${path.map((part) => part.replace(/[A-Z]/g, '_$&').toUpperCase()).join('__')}`;
}

function settingsOf(shape: z.ZodRawShape, above: readonly string[] = []): Setting[] {
  return Object.entries(shape).flatMap(([name, schema]) => {
    const path = [...above, name];
    const below = shapeOf(schema);
    if (below !== undefined) return settingsOf(below, path);
    const info = settingRegistry.get(schema);
    return info === undefined ? [] : [{ ...info, path, key: path.join('.') }];
  });
}

/** The settings outside of models, in the order of the schema. */
export const GLOBAL_SETTINGS: readonly GlobalSetting[] = settingsOf(settingsSchema.shape).map((setting) => ({
  ...setting,
  variable: setting.variable ?? variableOf(setting.path),
}));

/** The settings of one model; their paths begin below `models.NAME`. */
export const MODEL_SETTINGS: readonly Setting[] = settingsOf(modelSchema.shape);

/** The names that are allowed in the map at `path`, for suggestions; none where names are free. */
export function namesAt(path: readonly (string | number)[]): readonly string[] {
  if (path.length === 0) return [...Object.keys(settingsSchema.shape), 'models'];
  if (path[0] === 'models') return path.length === 2 ? Object.keys(modelSchema.shape) : [];
  const below = GLOBAL_SETTINGS.filter((setting) => path.every((part, i) => setting.path[i] === part));
  return below.flatMap((setting) => setting.path[path.length] ?? []);
}
