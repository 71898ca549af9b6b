import type { Notice } from '#shared/alerts/notice';

/** Somebody who is told of alerts. */
export interface Sink {
  /** Its name in the configuration, such as `webhook`. */
  readonly name: string;
  /** Where it sends to, without secrets. */
  readonly where: string;
  /**
   * Sends one message. Whoever calls tries again later when it fails.
   * @throws ForewarmError FW_ALERT_NOT_SENT within `SEND_MS`, saying what the other side said
   */
  send(notice: Notice): Promise<void>;
  /** Lets connections go. */
  close(): void;
}

/** How long one try may take. */
export const SEND_MS = 10_000;
