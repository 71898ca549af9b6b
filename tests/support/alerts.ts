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
