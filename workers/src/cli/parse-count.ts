import { ForewarmError } from '#shared/errors';

/** @throws ForewarmError FW_USAGE for anything but 1 to 9999; `option` is how it was given, such as `--limit` */
export function parseCount(option: string, text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new ForewarmError('FW_USAGE', `${option} ${text}: expected a whole number from 1 to 9999`);
}
