import { ForewarmError, messageOf } from '#shared/errors';
import { SEND_MS } from './sink';

/** What of an answer is told where it refuses. */
const TOLD_CHARACTERS = 200;

/**
 * Posts JSON, and is content with any 2xx.
 * @throws ForewarmError FW_ALERT_NOT_SENT
 */
export async function postJson(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const response = await ask(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'forewarm', ...headers },
    // A redirect would have the body posted, or dropped, somewhere that nobody has named.
    redirect: 'manual',
    signal: AbortSignal.timeout(SEND_MS),
  });
  const says = (await response.text().catch(() => '')).slice(0, TOLD_CHARACTERS).trim();
  if (response.ok) return;
  throw new ForewarmError('FW_ALERT_NOT_SENT', `${hostOf(url)} answered ${response.status}${says && `: ${says}`}`);
}

async function ask(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    // `fetch failed` is all that fetch says; what failed is its cause.
    const { cause } = error as { cause?: unknown };
    const late = (error as Error).name === 'TimeoutError';
    const why = late ? `no answer within ${SEND_MS / 1_000} s` : messageOf(cause ?? error);
    throw new ForewarmError('FW_ALERT_NOT_SENT', `${hostOf(url)} cannot be reached: ${why}`, { cause: error });
  }
}

/** All of an address that may be shown: its path is often the secret. */
export function hostOf(url: string): string {
  return new URL(url).host;
}
