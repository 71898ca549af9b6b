import { type Known, keyText, type Verdict } from '#shared/alerts/judge';
import type { AlertKey } from '#shared/alerts/notice';
import type { AlertState } from '#shared/alerts/state-machine';
import type { OpenAlert, Saying } from '#shared/store/alert-store';

/** An alert that began, or went on, while PostgreSQL was away. */
export interface LocalAlert extends Known {
  /** Whether PostgreSQL has it on record as firing. */
  readonly row: boolean;
}

/** One that is over, and of which PostgreSQL knows nothing yet. */
export interface EndedAlert {
  readonly saying: Saying;
  readonly state: AlertState;
  readonly endMs: number;
}

/** More ended alerts than this are not remembered: the oldest give way. */
const MOST_ENDED = 500;

/**
 * The alerts as one daemon knows them while PostgreSQL is away: those that were open when it was last seen, and what has come
 * since.
 */
export class LocalAlerts {
  private readonly open = new Map<string, LocalAlert>();
  private ended: EndedAlert[] = [];
  /** Whether it is these that count. */
  inCharge = false;

  get known(): readonly LocalAlert[] {
    return [...this.open.values()];
  }

  /** Goes on from what PostgreSQL had. */
  takeOver(alerts: readonly OpenAlert[]): void {
    if (this.inCharge) return;
    this.inCharge = true;
    for (const alert of alerts) this.open.set(keyText(alert), { ...alert, row: alert.state?.phase === 'firing' });
  }

  apply({ saying, known, state }: Verdict, nowMs: number): void {
    const key = keyText(saying);
    if (state !== undefined) {
      const { condition, model, place, message, facts } = saying;
      this.open.set(key, { condition, model, place, message, facts, state, sinceMs: state.sinceMs, row: false });
      return;
    }
    this.open.delete(key);
    if (known?.state?.phase !== 'firing') return;
    this.ended = [...this.ended, { saying, state: known.state, endMs: nowMs }].slice(-MOST_ENDED);
  }

  /** What PostgreSQL has to be told now that it is back. */
  handOver(): {
    readonly began: readonly LocalAlert[];
    readonly ended: readonly EndedAlert[];
    readonly keys: AlertKey[];
  } {
    const began = this.known.filter(({ row, state }) => !row && state?.phase === 'firing');
    return { began, ended: this.ended, keys: [...began, ...this.ended.map(({ saying }) => saying)] };
  }

  clear(): void {
    this.open.clear();
    this.ended = [];
    this.inCharge = false;
  }
}
