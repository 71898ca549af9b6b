import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ForewarmError } from '../errors';
import { changedAtMs, stampOfModelFile } from './model-file';
import type { ModelMapping, ModelSpec } from './spec';

/** Loads a model file, checks and tries it; in the daemon this happens in an inference process. */
export type Inspect = (mapping: ModelMapping, categories: readonly string[]) => Promise<ModelSpec>;

/** A writer that rests for longer is done. */
const SETTLE_MS = 1_000;
/** How often a file that goes on changing is looked at before what it was is used on. */
const LOOKS = 3;

export interface CataloguedModel extends ModelMapping {
  readonly categories: readonly string[];
}

/**
 * The models of the configuration with what their files turned out to be. A file is inspected again when it has changed on
 * disk, so that a cycle is always planned for the file as it is.
 */
export class ModelCatalogue<M extends CataloguedModel = CataloguedModel> {
  private readonly models: Map<string, M>;
  /** The categories of each model, for who looks them up over and over. */
  private readonly sets = new Map<string, Set<string>>();
  private readonly inspect: Inspect;
  private readonly settleMs: number;
  /** What a file was found to be, or is being found to be: batches that ask at the same time share one look. */
  private readonly known = new Map<string, { readonly stamp: string; readonly spec: Promise<ModelSpec> }>();

  /** Hashes of files, by what the file looked like. */
  private readonly hashes = new Map<string, { readonly stamp: string; readonly hash: Promise<string> }>();

  /** @param settleMs how long a changed file must have been left alone */
  constructor(models: readonly M[], inspect: Inspect, settleMs = SETTLE_MS) {
    this.settleMs = settleMs;
    this.models = new Map(models.map((model) => [model.name, model]));
    for (const { name, categories } of models) this.sets.set(name, new Set(categories));
    this.inspect = inspect;
  }

  get names(): readonly string[] {
    return [...this.models.keys()];
  }

  /** @throws ForewarmError FW_MODEL_UNKNOWN listing the names that are configured */
  configured(name: string): M {
    const model = this.models.get(name);
    if (model !== undefined) return model;
    throw new ForewarmError('FW_MODEL_UNKNOWN', `no model is named ${name}; configured are ${this.names.join(', ')}`);
  }

  /** Gives a model other categories, for whoever asks from now on. */
  adopt(name: string, categories: readonly string[]): void {
    this.models.set(name, { ...this.configured(name), categories });
    const set = this.categorySet(name);
    const wanted = new Set(categories);
    for (const category of set) if (!wanted.has(category)) set.delete(category);
    for (const category of categories) set.add(category);
  }

  /** The categories of a model, now and later: the set changes with them. */
  liveCategories(name: string): ReadonlySet<string> {
    return this.categorySet(name);
  }

  private categorySet(name: string): Set<string> {
    const set = this.sets.get(this.configured(name).name);
    if (set === undefined) throw new TypeError(`the model ${name} has no set of categories`);
    return set;
  }

  /**
   * What the model's file is now.
   * @throws ForewarmError FW_MODEL_UNKNOWN, FW_MODEL_*, FW_INFERENCE_*
   */
  async resolve(name: string): Promise<ModelSpec> {
    const model = this.configured(name);
    const seen = await stampOfModelFile(model);
    const before = this.known.get(name);
    if (before?.stamp === seen) return before.spec;
    // A file that is being written is left alone until it is whole; what it was goes on.
    let stamp = seen;
    if (before !== undefined) {
      const settled = await this.settled(model, seen);
      if (settled === undefined) return before.spec;
      stamp = settled;
    }
    const known = this.known.get(name);
    if (known?.stamp === stamp) return known.spec;
    const look = { stamp, spec: this.inspect(mappingOf(model), model.categories) };
    this.known.set(name, look);
    look.spec.catch(() => this.known.get(name) === look && this.known.delete(name));
    return look.spec;
  }

  /** The stamp of a changed file once it was left alone for a moment; waits for that, not for ever. */
  private async settled(model: M, seen: string): Promise<string | undefined> {
    let stamp = seen;
    for (let look = 0; look < LOOKS; look++) {
      // A time that lies ahead says nothing: then the file is looked at twice.
      const age = Date.now() - changedAtMs(stamp);
      if (age >= this.settleMs) return stamp;
      await delay(age < 0 ? this.settleMs : this.settleMs - age);
      const now = await stampOfModelFile(model);
      if (now === stamp) return stamp;
      stamp = now;
    }
    return undefined;
  }

  /**
   * Tells what would be loaded from what was before, without loading it: the bytes of the file and the mapping. Also for a
   * file that cannot be read.
   * @throws ForewarmError FW_MODEL_UNKNOWN
   */
  async fingerprint(name: string): Promise<string> {
    const model = this.configured(name);
    const stamp = await stampOfModelFile(model).catch(() => undefined);
    const bytes = stamp === undefined ? 'unreadable' : await this.hashOf(model, stamp);
    const { file: _, ...mapping } = mappingOf(model);
    return createHash('sha256')
      .update(JSON.stringify([bytes, mapping]))
      .digest('hex')
      .slice(0, 16);
  }

  /** Read once for each file, as long as that does not change. */
  private hashOf({ name, file }: M, stamp: string): Promise<string> {
    const known = this.hashes.get(name);
    if (known?.stamp === stamp) return known.hash;
    const hash = hashFile(file).catch(() => 'unreadable');
    this.hashes.set(name, { stamp, hash });
    return hash;
  }
}

function mappingOf(model: CataloguedModel): ModelMapping {
  const { name, file, version, axes, inputs, output, classes, outputs } = model;
  return { name, file, version, axes, inputs, output, outputs, ...(classes && { classes }) };
}

async function hashFile(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
