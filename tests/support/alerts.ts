import type { Pool } from 'pg';
import { AlertStore, type FiringAlert } from '#shared/store/alert-store';
import type { WebhookReceiver } from './webhook-receiver';

/** What a deployment that is just starting has for a moment, which is told by settings as quick as these. */
export const STARTING = ['cache-empty', 'schedule-dead', 'no-worker'];

/** Settings with which alerts come and go within seconds, to this receiver. */
export function quickAlerts(receiver: WebhookReceiver, more: Readonly<Record<string, unknown>> = {}) {
  return {
    watchdog: { every: '1s' },
    inference: { processes: 1 },
    alerts: { fireAfter: '1s', resolveAfter: '2s', webhook: { url: receiver.url }, ...more },
  };
}

/** What is refused and on record as that: cycles that are degraded long enough are an alert too, of another kind. */
export async function refusals(pool: Pool): Promise<FiringAlert[]> {
  return (await new AlertStore(pool).firing()).filter(({ condition }) => condition.endsWith('-refused'));
}
