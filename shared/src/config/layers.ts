import type { Environment } from './environment';
import { isPlainMap } from './plain-map';
import type { ProblemReport } from './problem';
import { GLOBAL_SETTINGS, MODEL_SETTINGS, type Setting, variableOf } from './settings';

/** The places a setting may come from, laid over each other: flag, environment, file, injected default. */

/** Origin of what the program sets by itself, below the file. */
export const SET_BY_PROGRAM = 'set by the program';

export interface Layers {
  readonly file: Readonly<Record<string, unknown>>;
  readonly environment: Environment;
  /** From the command line: dotted path to text. */
  readonly overrides: Readonly<Record<string, string>>;
  /** Below the file, above the defaults of the schema: dotted path to text. */
  readonly defaults: Readonly<Record<string, string>>;
}

type Tree = Record<string, unknown>;

export interface Merged {
  /** Settings outside of models, and whatever else stands in the file. */
  readonly settings: Tree;
  readonly models: unknown;
  /** Where each setting came from that is not from the file. */
  readonly origins: ReadonlyMap<string, string>;
}

export function mergeLayers(layers: Layers, report: ProblemReport): Merged {
  refuseUnknownVariables(layers.environment, report);
  const models = layers.file.models ?? undefined;
  refuseUnknownKeys(layers.overrides, 'command line', models, report);
  refuseUnknownKeys(layers.defaults, SET_BY_PROGRAM, models, report);
  const origins = new Map<string, string>();
  const settings: Tree = { ...layers.file };
  delete settings.models;
  for (const setting of GLOBAL_SETTINGS) {
    const target = sectionOf(settings, setting.path.slice(0, -1));
    if (target !== undefined) lay(target, setting, setting.variable, layers, origins);
  }
  return { settings, models: isPlainMap(models) ? overrideModels(models, layers, origins) : models, origins };
}

/** The map that holds a setting, copied so that it may be changed; `undefined` where the file has something else there. */
function sectionOf(settings: Tree, path: readonly string[]): Tree | undefined {
  let section: Tree = settings;
  for (const part of path) {
    const below = section[part] ?? {};
    if (!isPlainMap(below)) return undefined;
    section[part] = { ...below };
    section = section[part] as Tree;
  }
  return section;
}

function lay(target: Tree, setting: Setting, variable: string, layers: Layers, origins: Map<string, string>): void {
  const name = setting.path.at(-1) ?? '';
  const inFile = target[name] ?? undefined;
  // Nothing after the colon is the same as no line at all.
  if (inFile === undefined) delete target[name];
  const given = textFor(setting.key, variable, inFile !== undefined, layers);
  if (given === undefined) return;
  target[name] = setting.type.fromText?.(given.text) ?? given.text;
  origins.set(setting.key, given.origin);
}

/** What outranks the file, or stands in for it. An empty variable counts as not set. */
function textFor(key: string, variable: string, inFile: boolean, layers: Layers) {
  const flag = layers.overrides[key];
  if (flag !== undefined) return { text: flag, origin: 'command line' };
  const value = layers.environment[variable];
  if (value !== undefined && value !== '') return { text: value, origin: `environment variable ${variable}` };
  const injected = inFile ? undefined : layers.defaults[key];
  return injected === undefined ? undefined : { text: injected, origin: SET_BY_PROGRAM };
}

/** What of a model can be given on the command line: `models.calls.every`. */
const MODEL_TEXT_SETTINGS = MODEL_SETTINGS.filter((setting) => setting.type.fromText !== undefined);

function overrideModels(models: Readonly<Tree>, layers: Layers, origins: Map<string, string>): Tree {
  return Object.fromEntries(
    Object.entries(models).map(([name, model]) => {
      if (model !== null && !isPlainMap(model)) return [name, model];
      const target: Tree = { ...model };
      for (const setting of MODEL_SETTINGS) if (target[setting.key] === null) delete target[setting.key];
      for (const setting of MODEL_TEXT_SETTINGS) {
        lay(target, { ...setting, key: `models.${name}.${setting.key}` }, '', layers, origins);
      }
      return [name, target];
    }),
  );
}

function refuseUnknownKeys(given: Layers['overrides'], from: string, models: unknown, report: ProblemReport): void {
  const perModel = Object.keys(isPlainMap(models) ? models : {}).flatMap((name) =>
    MODEL_TEXT_SETTINGS.map(({ key }) => `models.${name}.${key}`),
  );
  const known = [...GLOBAL_SETTINGS.map((setting) => setting.key), ...perModel];
  for (const key of Object.keys(given)) {
    if (!known.includes(key)) report.unknown(key, key, known, from);
  }
}

/** Variables that are read elsewhere. */
const OTHER_VARIABLES = ['FOREWARM_CONFIG'];
const TEST_VARIABLE = /^FOREWARM_TEST_/;

function refuseUnknownVariables(environment: Environment, report: ProblemReport): void {
  const known = [...GLOBAL_SETTINGS.map((setting) => setting.variable), ...OTHER_VARIABLES];
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('FOREWARM_') || known.includes(name) || TEST_VARIABLE.test(name)) continue;
    if (value === undefined || value === '' || isServiceLink(name, value)) continue;
    const regular = GLOBAL_SETTINGS.find((setting) => variableOf(setting.path) === name);
    if (regular === undefined) report.unknown(name, name, known, 'environment');
    else report.add({ kind: 'unknown', path: name, from: 'environment', expected: '', suggestion: regular.variable });
  }
}

/** Kubernetes gives every pod variables for each service beside it; one called `forewarm-redis` makes FOREWARM_REDIS_PORT. */
function isServiceLink(name: string, value: string): boolean {
  if (/_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$/.test(name)) return true;
  return (
    /_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/.test(name) &&
    (/^(tcp|udp|sctp):\/\//.test(value) || /_\d+_/.test(name))
  );
}
