import { ForewarmError } from '../errors';
import type { RowFlight } from './row-flight';
import { codes, failed, sentence } from './said';

/**
 * Why a row cannot be had, by what the tiers said.
 * @param stranger whether the generation has no such category, for sure
 * @param healed whether a daemon was told of what is missing
 */
export function refusalOf(model: string, flight: RowFlight, stranger: boolean, healed = true): ForewarmError {
  const { category, said } = flight;
  const name = JSON.stringify(category);
  const details = { model, category, tiers: codes(said) };
  if (stranger && !said.some(({ tier }) => tier === 'model')) {
    return new ForewarmError('FW_CATEGORY_UNKNOWN', `there is no row for the category ${name}`, { details });
  }
  const byModel = flight.saidBy('model');
  if (byModel instanceof ForewarmError && refusesCategory(byModel)) {
    const message = `the model ${model} cannot answer for the category ${name}: ${byModel.message}`;
    return new ForewarmError('FW_CATEGORY_UNKNOWN', message, { details });
  }
  const told = sentence(said);
  if (failed(said)) {
    return new ForewarmError('FW_READ_FAILED', `no tier could answer for ${name} of ${model}: ${told}`, { details });
  }
  const next = healed ? 'Ask again in a moment.' : 'Ask again after the next cycle.';
  const asked = healed ? ', and the daemon was asked to heal it' : '';
  if (said.some(({ what }) => what !== 'miss')) {
    const message = `the row of ${name} is corrupt${asked}: ${told}`;
    return new ForewarmError('FW_ROW_CORRUPT', message, { details, next });
  }
  const message = `the row of ${name} is missing${asked}: ${told}`;
  return new ForewarmError('FW_CATEGORY_UNKNOWN', message, { details, next });
}

/** What the model says of the category itself, whenever it is asked. */
function refusesCategory({ code }: ForewarmError): boolean {
  return code === 'FW_MODEL_INPUT_VALUE' || code === 'FW_VALUE_NOT_FINITE' || code === 'FW_INFERENCE_FAILED';
}
