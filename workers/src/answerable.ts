import type { Config } from '#shared/config/types';
import { asForewarmError } from '#shared/errors';
import type { Predictor } from '#shared/tiers/predictor';

/** Longer than that, whoever asks whether a process is ready does not wait. */
const LOOK_MS = 2_000;

/** Of each model of the configuration, which tier answers for it now. */
export interface Answerable {
  /** Whether each of them can be answered for, from whatever tier. */
  readonly all: boolean;
  readonly checks: Readonly<Record<string, string>>;
}

export async function answerable(config: Config, predictor: Predictor): Promise<Answerable> {
  let all = true;
  const looks = config.models.map(async ({ name }) => {
    try {
      const { tier } = await predictor.describe(name, { deadlineMs: LOOK_MS });
      return [`model ${name}`, `answered from ${tier}`] as const;
    } catch (error) {
      all = false;
      const { code, message } = asForewarmError(error);
      return [`model ${name}`, `cannot be answered: ${code}: ${message}`] as const;
    }
  });
  const checks = Object.fromEntries(await Promise.all(looks));
  return { all, checks };
}
