import { ForewarmError } from '../errors';
import type { FeatureRow, FeatureRows, InputSource } from '../model/spec';
import { featureNames } from '../model/spec';
import type { FeatureSettings } from './feature-settings';
import { type FeatureTable, tableFromText, tableToText } from './feature-table';
import { type Database, readSource } from './read-source';

/** A model as far as its features are concerned. */
export interface FeaturedModel {
  readonly name: string;
  readonly inputs?: Readonly<Record<string, InputSource>> | undefined;
  readonly features?: FeatureSettings | undefined;
}

/** Where the last good table of each model outlives the process. */
export interface KeptTables {
  read(model: string): Promise<string | undefined>;
  write(model: string, text: string): Promise<void>;
}

export interface FeatureOptions {
  /** For queries that name no database of their own; asked when one is run. */
  readonly database: () => Database | undefined;
  readonly kept?: KeptTables | undefined;
  /** Age from which a table is read again beside its use; without it, only `refresh` reads again. */
  readonly maxAgeMs?: number | undefined;
}

interface Known {
  readonly table: FeatureTable;
  readonly text: string;
  readonly readAtMs: number;
}

/** What a look at a source came to. */
export interface FeatureLook {
  /** Why the features of before are used on, or that there are none; `null` where those of the source are. */
  readonly problem: string | null;
  /** Whether a source that had failed is good again, or this was the first look. */
  readonly recovered: boolean;
  /** The newest time in the features that are used, milliseconds since 1970 UTC. */
  readonly newestMs: number | null;
  /** Categories that they have. */
  readonly categories: number;
}

/** The features of the models that have some: read from their sources, with the last good ones in use where a source fails. */
export class FeatureSources {
  private readonly models: ReadonlyMap<
    string,
    { readonly settings: FeatureSettings; readonly names: readonly string[] }
  >;
  private readonly options: FeatureOptions;
  private readonly known = new Map<string, Known>();
  private readonly keptTexts = new Map<string, string>();
  private readonly problems = new Map<string, string | null>();
  private readonly reading = new Map<string, Promise<FeatureLook>>();

  constructor(models: readonly FeaturedModel[], options: FeatureOptions) {
    this.options = options;
    this.models = new Map(
      models.flatMap(({ name, inputs = {}, features }) => {
        const names = featureNames(inputs);
        return features === undefined || names.length === 0 ? [] : [[name, { settings: features, names }] as const];
      }),
    );
  }

  has(model: string): boolean {
    return this.models.has(model);
  }

  /** As messages name the source of a model. */
  sourceOf(model: string): string | undefined {
    return this.models.get(model)?.settings.source;
  }

  /** The newest time in the features that are used, milliseconds since 1970 UTC; `null` where there is none. */
  newestMs(model: string): number | null {
    return this.known.get(model)?.table.newestMs ?? null;
  }

  /** Reads the source of a model now; looks at the same time share one. `undefined` for a model without features. */
  refresh(model: string): Promise<FeatureLook> | undefined {
    if (!this.has(model)) return undefined;
    let look = this.reading.get(model);
    if (look === undefined) {
      look = this.look(model).finally(() => this.reading.delete(model));
      this.reading.set(model, look);
    }
    return look;
  }

  /**
   * The features of some categories, missing ones by the policy of the model; `undefined` for a model without features. Categories that the
   * source lacks have a row of what is missing.
   * @throws ForewarmError FW_FEATURES_UNAVAILABLE when they could never be read
   */
  async rows(model: string, categories: readonly string[]): Promise<FeatureRows | undefined> {
    const featured = this.models.get(model);
    if (featured === undefined) return undefined;
    const { settings, names } = featured;
    const { table } = await this.current(model);
    const nothing: FeatureRow = names.map(() => null);
    const filled = (row: FeatureRow): FeatureRow =>
      settings.missing === 'default' ? row.map((value, i) => value ?? settings.defaults[names[i] ?? ''] ?? null) : row;
    return new Map(categories.map((category) => [category, filled(table.rows.get(category) ?? nothing)]));
  }

  private async current(model: string): Promise<Known> {
    const { maxAgeMs } = this.options;
    const known = this.known.get(model);
    if (known !== undefined) {
      const ageMs = Math.abs(performance.now() - known.readAtMs);
      if (maxAgeMs !== undefined && ageMs > maxAgeMs) void this.refresh(model);
      return known;
    }
    const look = await this.refresh(model);
    const read = this.known.get(model);
    if (read !== undefined) return read;
    throw new ForewarmError(
      'FW_FEATURES_UNAVAILABLE',
      `models.${model}.features: ${look?.problem ?? 'there are none'}`,
    );
  }

  private async look(model: string): Promise<FeatureLook> {
    const { settings, names } = this.models.get(model) ?? unknown(model);
    const read = await readSource(settings, names, this.options.database());
    const before = this.problems.get(model);
    if ('problem' in read) {
      this.problems.set(model, read.problem);
      await this.remember(model, names);
      return this.told(model, read.problem, false);
    }
    this.problems.set(model, null);
    const text = tableToText(read.table);
    this.known.set(model, { table: read.table, text, readAtMs: performance.now() });
    await this.keep(model, text);
    return this.told(model, null, before !== null);
  }

  /** For a later start: this process has it. What could not be written is written by the next look. */
  private async keep(model: string, text: string): Promise<void> {
    const { kept } = this.options;
    if (kept === undefined || this.keptTexts.get(model) === text) return;
    await kept.write(model, text).then(
      () => this.keptTexts.set(model, text),
      () => undefined,
    );
  }

  /** After a restart, what was kept by the process before. */
  private async remember(model: string, names: readonly string[]): Promise<void> {
    const known = this.known.get(model);
    if (known !== undefined) {
      this.known.set(model, { ...known, readAtMs: performance.now() });
      return;
    }
    const text = await this.options.kept?.read(model).catch(() => undefined);
    const table = text === undefined ? undefined : tableFromText(text, names);
    if (text !== undefined && table !== undefined) this.known.set(model, { table, text, readAtMs: performance.now() });
  }

  private told(model: string, problem: string | null, recovered: boolean): FeatureLook {
    const table = this.known.get(model)?.table;
    return { problem, recovered, newestMs: table?.newestMs ?? null, categories: table?.rows.size ?? 0 };
  }
}

function unknown(model: string): never {
  throw new TypeError(`the model ${model} has no features`);
}
