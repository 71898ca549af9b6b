import type { Config } from '#shared/config/types';
import { asForewarmError, ForewarmError } from '#shared/errors';
import { Predictor } from '#shared/predictor/predictor';
import type { TierName } from '#shared/tiers/tier-name';
import { readerOptions } from './reader';

/** Longer than that, whoever asks whether a process is ready does not wait. */
const LOOK_MS = 2_000;

export interface Answers {
  /** Whether each model of the configuration can be answered for, from whatever tier. */
  readonly all: boolean;
  /** Of each model, from which, or why not. */
  readonly checks: Readonly<Record<string, string>>;
}

/**
 * Tells which tier answers for a model now, by reading a row of it: the first category's, as applications read it, except from
 * memory. What is held there says nothing of the rows that are not, and less of what they could be read from.
 */
export class Answerable {
  private readonly config: Config;
  private readonly predictor: Predictor;
  private readonly firstCategory: (model: string) => string | undefined;

  /** @param firstCategory of a model, to ask for */
  constructor(
    config: Config,
    env: Readonly<Record<string, string | undefined>>,
    firstCategory: (model: string) => string | undefined,
  ) {
    this.config = config;
    this.firstCategory = firstCategory;
    // The reader itself tells what goes wrong.
    const options = { ...readerOptions(config, env), onError: () => undefined };
    this.predictor = new Predictor({ ...options, memory: false, writeBack: false, processes: 1, deadlineMs: LOOK_MS });
  }

  /** @throws ForewarmError as a read does; FW_MODEL_UNKNOWN */
  async tierOf(model: string): Promise<TierName> {
    const configured = this.config.models.some(({ name }) => name === model);
    const category = configured ? this.firstCategory(model) : undefined;
    if (category === undefined) throw new ForewarmError('FW_MODEL_UNKNOWN', `no model is named ${model}`);
    return (await this.predictor.row(model, category)).tier;
  }

  async look(): Promise<Answers> {
    let all = true;
    const looks = this.config.models.map(async ({ name }) => {
      try {
        return [`model ${name}`, `answered from ${await this.tierOf(name)}`] as const;
      } catch (error) {
        all = false;
        const { code, message } = asForewarmError(error);
        return [`model ${name}`, `cannot be answered: ${code}: ${message}`] as const;
      }
    });
    return { checks: Object.fromEntries(await Promise.all(looks)), all };
  }

  close(): Promise<void> {
    return this.predictor.close();
  }
}
