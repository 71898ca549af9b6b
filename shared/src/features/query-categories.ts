import { categoryFaults } from '../config/categories';
import type { CategoryQuery, Config, ModelConfig } from '../config/types';
import { writeDurably } from '../durable-file';
import { ForewarmError, messageOf } from '../errors';
import { toTable } from './feature-table';
import { queryTable } from './query-table';
import type { Database } from './read-source';

/** What a query says, or why that cannot be used, one line. */
export type QueriedCategories = { readonly categories: readonly string[] } | { readonly problem: string };

/** Asks PostgreSQL for the categories of a model. Each must be there once, and be one that a row can be stored under. */
export async function queryCategories(
  { query, url, timeLimitMs, column }: CategoryQuery,
  database: Database | undefined,
): Promise<QueriedCategories> {
  const on = url ?? database;
  if (on === undefined)
    return { problem: 'there is no PostgreSQL to ask: set postgres.url, or `url` beside the query' };
  const raw = await queryTable(on, query, timeLimitMs);
  const read = 'problem' in raw ? raw : toTable(raw, { category: column, features: [], time: undefined });
  if ('problem' in read) return read;
  const categories = [...read.table.rows.keys()];
  const [fault] = categoryFaults(categories, (position) => `row ${position + 1}`);
  if (fault !== undefined) return { problem: `row ${fault.position + 1}: expected ${fault.expected}` };
  return { categories };
}

/**
 * Replaces the file that holds the last good answer: commands, readers and the next start take the categories from there.
 * @throws NodeJS.ErrnoException when it cannot be written; the file is as it was
 */
export async function keepCategories(file: string, categories: readonly string[]): Promise<void> {
  const lines = categories.map((category) => JSON.stringify(category)).join(',\n');
  await writeDurably(file, `[\n${lines}\n]\n`, { replace: true, mode: 0o644 });
}

/**
 * The configuration with the categories of models whose query was never answered yet.
 * @throws ForewarmError FW_CATEGORIES_UNAVAILABLE
 */
export async function withQueriedCategories(config: Config): Promise<Config> {
  const models = await Promise.all(config.models.map((model) => queried(model, config.postgres.url)));
  return { ...config, models };
}

async function queried(model: ModelConfig, database: Database | undefined): Promise<ModelConfig> {
  const { name, categories, categoryQuery, categorySource } = model;
  if (categoryQuery === undefined || categories.length > 0) return model;
  const at = `models.${name}.categories`;
  const answer = await queryCategories(categoryQuery, database);
  if ('problem' in answer) throw new ForewarmError('FW_CATEGORIES_UNAVAILABLE', `${at}: ${answer.problem}`);
  try {
    await keepCategories(categorySource, answer.categories);
  } catch (error) {
    throw new ForewarmError('FW_CATEGORIES_UNAVAILABLE', `${at}.file: ${notKept(categorySource, error)}`);
  }
  return { ...model, categories: answer.categories };
}

export function notKept(file: string, error: unknown): string {
  return `what the query says cannot be kept in ${file}: ${messageOf(error)}`;
}
