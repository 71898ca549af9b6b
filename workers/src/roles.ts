import type { Config } from '#shared/config/types';

/** Whether a daemon answers predictions and does nothing else: it then needs no Redis to be of use. */
export function answersOnly({ roles }: Pick<Config, 'roles'>): boolean {
  return roles.every((role) => role === 'api');
}
