import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Axis, cellCount } from '../cache/grid';
import type { FeatureSettings } from '../features/feature-settings';
import { type ColumnSource, columnsOf, featureNames, type InputSource } from '../model/spec';
import { formatBytes } from './bytes';
import { type CategoryList, categoryFaults, MOST_LISTED } from './categories';
import { readCategoryFile } from './category-file';
import { formatDuration } from './duration';
import type { GivenFeatures } from './features';
import type { GivenColumn, GivenInput } from './inputs';
import { parseSettings } from './parse';
import { isPlainMap } from './plain-map';
import { type ProblemReport, pathText, showValue } from './problem';
import { readCategories } from './read-categories';
import { type ModelSettings, modelSchema } from './schema';
import { gridSize } from './sizes';
import { nearest } from './suggest';
import type { CategoryQuery, Config, ModelConfig } from './types';
import type { Path } from './values';

export interface ModelContext {
  /** Absolute path of the configuration file: other paths are relative to its folder. */
  readonly configFile: string;
  /** As messages name the configuration file. */
  readonly label: string;
  /** `undefined` when they are wrong themselves: nothing is then held against them. */
  readonly limits: Config['limits'] | undefined;
  readonly report: ProblemReport;
  readonly locate: (path: Path) => string;
  readonly lists: BrokenLists;
}

/**
 * What is done about a list of categories that cannot be used: the configuration is refused; a query that was never answered is left for
 * who starts; or the model has none, for who only looks, with the problem beside it.
 */
export type BrokenLists = 'refuse' | 'ask later' | 'tell';

/** One model with everything that needs more than one setting checked; `undefined` when anything is wrong with it. */
export function resolveModel(name: string, raw: unknown, context: ModelContext): ModelConfig | undefined {
  const path = ['models', name];
  if (!isPlainMap(raw)) {
    context.report.wrong(path, raw, 'a map of settings');
    return undefined;
  }
  const { complete, partial } = parseSettings(modelSchema, raw, path, context.report, context.locate);
  const list = partial.categories && listOf([...path, 'categories'], partial.categories, context);
  const inputs = partial.inputs && resolveInputs([...path, 'inputs'], partial.inputs, context);
  checkInputs(path, raw.axes, raw.inputs, context.report);
  if (partial.axes !== undefined) checkSize(path, partial.axes, list?.categories.length ?? 0, partial, context);
  checkExpiry(path, partial, context.report);
  if (inputs && list) checkVocabularies(path, inputs, list, context.report);
  if (inputs) checkFeatures(path, inputs, raw.features, partial.features, context.report);
  return complete && list && inputs && modelConfig(name, complete, list, inputs, context);
}

function modelConfig(
  name: string,
  given: ModelSettings,
  list: Categories,
  inputs: Readonly<Record<string, InputSource>>,
  context: ModelContext,
): ModelConfig {
  return {
    name,
    file: resolve(dirname(context.configFile), given.file),
    version: given.version,
    axes: given.axes,
    categories: list.categories,
    categorySource: list.source,
    categoryColumn: given.categories.from === 'file' ? given.categories.column : undefined,
    categoryQuery: queryOf(given.categories),
    categoryProblem: list.problem,
    minCategories: given.minCategories,
    maxRemovedShare: given.maxRemovedShare,
    inputs,
    features: given.features && resolveFeatures(name, given.features, context),
    output: given.output,
    classes: given.classes,
    outputs: given.outputs,
    bounds: given.bounds,
    maxDrift: given.maxDrift,
    keepGenerations: given.keepGenerations,
    everyMs: given.every,
    refresh: given.refresh,
    maxAgeMs: given.maxAge === 'never' ? undefined : given.maxAge,
    overlap: given.overlap,
    batchSize: given.batchSize,
    staleAfterMs: given.staleAfter,
    unknownCategories: given.unknownCategories,
    expireAfterMs: given.expireAfter === 'never' ? undefined : given.expireAfter,
    startFrom: given.startFrom,
  };
}

interface Categories {
  readonly categories: readonly string[];
  readonly source: string;
  /** Why they cannot be used, for who only looks. */
  readonly problem?: string;
}

function listOf(at: Path, list: CategoryList, context: ModelContext): Categories | undefined {
  if (list.from === 'list' || context.lists !== 'tell') return resolveCategories(at, list, context);
  const source = resolve(dirname(context.configFile), list.file);
  const read = readCategories(source, list.from === 'query' ? undefined : list.column);
  return 'problem' in read
    ? { categories: [], source, problem: read.problem }
    : { categories: read.categories, source };
}

function queryOf(list: CategoryList): CategoryQuery | undefined {
  if (list.from !== 'query') return undefined;
  const { query, url, timeLimitMs, column } = list;
  return { query, url, timeLimitMs, column };
}

/** @param at where the list is set */
function resolveCategories(at: Path, list: CategoryList, context: ModelContext): Categories | undefined {
  if (list.from === 'list') return { categories: list.categories, source: 'configuration' };
  const { report, locate } = context;
  const file = resolve(dirname(context.configFile), list.file);
  if (list.from === 'query' && !existsSync(file)) {
    if (context.lists === 'ask later') return { categories: [], source: file };
    const expected = 'a file that is there; `forewarm start` and `forewarm up` ask the query and write it';
    report.add({
      ...{ kind: 'invalid', path: pathText([...at, 'file']), from: locate([...at, 'file']) },
      given: showValue(list.file),
      expected,
    });
    return undefined;
  }
  const { entries, faults } = readCategoryFile(file, list.from === 'query' ? undefined : list.column);
  for (const { setting, at: line, expected } of faults.slice(0, MOST_LISTED)) {
    const path = [...at, setting];
    const given = showValue(setting === 'file' ? list.file : list.column);
    const from = line === undefined ? locate(path) : `${shownFile(list.file, context)}${line}`;
    report.add({ kind: 'invalid', path: pathText(path), from, given, expected });
  }
  const values = entries.map(({ category }) => category);
  const whereIs = (position: number) => `${shownFile(list.file, context)}${entries[position]?.at ?? ''}`;
  const wrong = categoryFaults(values, whereIs);
  const path = pathText(at);
  for (const { position, expected } of wrong.slice(0, MOST_LISTED)) {
    const what = { from: whereIs(position), given: showValue(values[position] ?? null) };
    report.add({ kind: 'invalid', path, ...what, expected });
  }
  const more = Math.max(0, wrong.length - MOST_LISTED) + Math.max(0, faults.length - MOST_LISTED);
  if (more > 0) report.wrong([...at, 'file'], list.file, `valid categories; ${more} more are wrong`);
  if (faults.length + wrong.length > 0) return undefined;
  return { categories: values.filter((value) => typeof value === 'string'), source: file };
}

/** As messages name it: relative to where the configuration file was named from. */
function shownFile(file: string, { label }: ModelContext): string {
  return isAbsolute(file) ? file : join(dirname(label), file);
}

/** Looks at both as they are written, so that a fault in one entry does not hide a fault in another. */
function checkInputs(model: Path, axes: unknown, inputs: unknown, report: ProblemReport): void {
  if (!isPlainMap(axes) || !isPlainMap(inputs)) return;
  const known = Object.keys(axes);
  const check = (source: unknown, path: Path): void => {
    const axis = isPlainMap(source) ? source.axis : undefined;
    if (typeof axis !== 'string' || known.includes(axis)) return;
    const close = nearest(axis, known);
    const hint = close === undefined ? '' : `; did you mean \`${close}\`?`;
    report.wrong([...path, 'axis'], axis, `one of the axes ${known.join(', ')}${hint}`);
  };
  for (const [input, source] of Object.entries(inputs)) {
    const path = [...model, 'inputs', input];
    if (Array.isArray(source)) for (const [position, column] of source.entries()) check(column, [...path, position]);
    else check(source, path);
  }
}

/** With the vocabularies that are in files. */
function resolveInputs(
  at: Path,
  given: Readonly<Record<string, GivenInput>>,
  context: ModelContext,
): Record<string, InputSource> | undefined {
  let wrong = false;
  const resolved = (column: GivenColumn, path: Path): ColumnSource => {
    if (!('vocabulary' in column)) return column;
    if (column.vocabulary.from === 'query') {
      const expected = 'a list or a file: what the model was trained with does not change';
      context.report.wrong([...path, 'vocabulary'], 'a query', expected);
    }
    const list = resolveCategories([...path, 'vocabulary'], column.vocabulary, context);
    wrong ||= list === undefined;
    return { ...column, vocabulary: list?.categories ?? [] };
  };
  const inputs = Object.entries(given).map(([name, source]): [string, InputSource] => {
    const path = [...at, name];
    if (source.from !== 'columns') return [name, resolved(source, path)];
    return [name, { from: 'columns', columns: source.columns.map((one, i) => resolved(one, [...path, i])) }];
  });
  return wrong ? undefined : Object.fromEntries(inputs);
}

function resolveFeatures(
  model: string,
  { from, ...given }: GivenFeatures,
  { configFile }: ModelContext,
): FeatureSettings {
  if ('query' in from) return { ...given, from, source: `the query of models.${model}.features` };
  if ('rows' in from) return { ...given, from, source: `models.${model}.features.rows` };
  const file = resolve(dirname(configFile), from.file);
  return { ...given, from: { file }, source: file };
}

/** Inputs that take features, and what says where these come from, belong together. */
function checkFeatures(
  model: Path,
  inputs: Readonly<Record<string, InputSource>>,
  raw: unknown,
  features: GivenFeatures | undefined,
  report: ProblemReport,
): void {
  const names = featureNames(inputs);
  const [first] = names;
  if (first === undefined) {
    if (features !== undefined)
      report.wrong([...model, 'features'], features.from, 'an input that takes { feature: NAME }; none does');
    return;
  }
  if (raw === undefined) {
    const expected = `where the feature ${first} comes from: { file: PATH }, { query: SQL } or { rows: [...] }`;
    report.wrong([...model, 'features'], undefined, expected);
    return;
  }
  if (features?.missing !== 'default') return;
  const without = names.filter((name) => !Object.hasOwn(features.defaults, name));
  if (without.length === 0) return;
  const expected = `a default for each feature that inputs take; ${without.join(', ')} ${without.length === 1 ? 'has' : 'have'} none`;
  report.wrong([...model, 'features', 'defaults'], features.defaults, expected);
}

/** A model answers for a category that it does not know as well, with something: it is told before. */
function checkVocabularies(
  model: Path,
  inputs: Readonly<Record<string, InputSource>>,
  { categories }: Categories,
  report: ProblemReport,
): void {
  for (const [name, source] of Object.entries(inputs)) {
    for (const column of columnsOf(source)) {
      if (!('vocabulary' in column)) continue;
      const known = new Set(column.vocabulary);
      const unknown = categories.filter((category) => !known.has(category));
      const [first, ...others] = unknown;
      if (first === undefined) continue;
      const more = others.length === 0 ? '' : `, nor are ${others.length} others`;
      const expected = `all categories to be in the vocabulary of input ${name}; ${JSON.stringify(first)} is not${more}`;
      report.wrong([...model, 'categories'], `${categories.length} categories`, expected);
    }
  }
}

function checkSize(
  model: Path,
  axes: readonly Axis[],
  categories: number,
  { outputs }: Partial<ModelSettings>,
  { limits, report, locate }: ModelContext,
): void {
  if (limits === undefined) return;
  const lengths = axes.map((axis) => `${axis.name} ${axis.values.length}`).join(' × ');
  const size = gridSize({ axes, categories, outputs: outputs?.length ?? 1 });
  const tooLarge = (path: Path, given: string, expected: string) =>
    report.add({ kind: 'invalid', path: pathText(path), from: locate(path), given, expected });
  if (cellCount(axes) > limits.cellsPerRow) {
    const expected = `at most ${limits.cellsPerRow} (limits.cellsPerRow)`;
    tooLarge([...model, 'axes'], `${lengths} = ${size.cells} cells`, expected);
  }
  if (size.gridBytes > limits.gridBytes) {
    const given = `${categories} rows of ${size.rowBytes} bytes = ${size.gridBytes} bytes`;
    tooLarge(model, given, `at most ${formatBytes(limits.gridBytes)} (limits.gridBytes)`);
  }
}

/** Cycles in which a row may be missed before it expires. */
const LEAST_PERIODS = 3;

/** Cycles take time, come late and fail: rows that expire before the next good one leave readers without an answer. */
function checkExpiry(model: Path, { every, expireAfter }: Partial<ModelSettings>, report: ProblemReport): void {
  if (every === undefined || expireAfter === undefined || expireAfter === 'never') return;
  const least = LEAST_PERIODS * every;
  if (expireAfter >= least) return;
  const why = `${LEAST_PERIODS} times \`every\`, which is ${formatDuration(every)}`;
  const expected = `at least ${formatDuration(least)} (${why}), so that rows outlive a cycle that fails, or \`never\``;
  report.wrong([...model, 'expireAfter'], formatDuration(expireAfter), expected);
}
