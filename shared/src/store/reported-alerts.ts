import type { Alert, AlertStore } from './alert-store';

/**
 * What jobs have met, as alerts. What could not be recorded because PostgreSQL was away is remembered, the last word of each
 * condition and model, and recorded when it is back: a job meets some things once.
 */
export class ReportedAlerts {
  private readonly store: Pick<AlertStore, 'fire' | 'resolve'>;
  private readonly unrecorded = new Map<string, () => Promise<void>>();

  constructor(store: Pick<AlertStore, 'fire' | 'resolve'>) {
    this.store = store;
  }

  /**
   * Records that a condition holds.
   * @throws ForewarmError FW_POSTGRES_UNAVAILABLE; it is recorded later
   */
  fire(alert: Alert, host: string, at: Date): Promise<void> {
    const { condition, model } = alert;
    return this.record([condition], model, () => this.store.fire(alert, host, at));
  }

  /**
   * Records that conditions hold no longer.
   * @throws ForewarmError FW_POSTGRES_UNAVAILABLE; it is recorded later
   */
  resolve(conditions: readonly string[], model: string, at: Date, generation?: string): Promise<void> {
    return this.record(conditions, model, () => this.store.resolve(conditions, model, at, generation));
  }

  /** Records what was not; what fails again stays. */
  async flush(): Promise<void> {
    for (const [key, write] of this.unrecorded) {
      await write();
      if (this.unrecorded.get(key) === write) this.unrecorded.delete(key);
    }
  }

  private async record(conditions: readonly string[], model: string, write: () => Promise<void>): Promise<void> {
    const keys = conditions.map((condition) => `${condition}\n${model}`);
    for (const key of keys) this.unrecorded.delete(key);
    try {
      await write();
    } catch (error) {
      for (const key of keys) this.unrecorded.set(key, write);
      throw error;
    }
  }
}
