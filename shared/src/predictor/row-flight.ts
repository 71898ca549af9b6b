import type { RowView } from '../cache/row';
import type { ForewarmError } from '../errors';
import type { TierName } from '../tiers/tier-name';
import type { Said } from './said';
import { type TierListener, tell } from './tried-tier';

/** One row on its way through the tiers: all who ask for it meanwhile wait for the same. */
export class RowFlight {
  readonly category: string;
  /** How it ended, once it has: the row and the tier that had it, or why there is none. */
  row: RowView | undefined;
  tier: TierName | undefined;
  error: ForewarmError | undefined;
  private told: Said[] | undefined;
  private waiting: (() => void)[] | undefined;
  private listeners: TierListener[] | undefined;

  private readonly home: Map<string, RowFlight>;

  /** @param home where it is found by others as long as it is not over */
  constructor(category: string, home: Map<string, RowFlight> = new Map()) {
    this.category = category;
    this.home = home;
  }

  get over(): boolean {
    return this.row !== undefined || this.error !== undefined;
  }

  /** Calls `listener` when it is over: a promise would cost as much as all the rest of a flight. */
  whenOver(listener: () => void): void {
    if (this.over) listener();
    else if (this.waiting === undefined) this.waiting = [listener];
    else this.waiting.push(listener);
  }

  /** Tells what each tier comes to from now on, and at once what those came to that have answered. */
  listen(listener: TierListener): void {
    for (const { tier, what } of this.said) tell(listener, tier, what);
    if (this.tier !== undefined) tell(listener, this.tier, 'hit');
    else if (this.listeners === undefined) this.listeners = [listener];
    else this.listeners.push(listener);
  }

  /** What those tiers said that did not have it. */
  get said(): readonly Said[] {
    return this.told ?? [];
  }

  land(row: RowView, tier: TierName): void {
    this.row = row;
    this.tier = tier;
    if (this.listeners !== undefined) for (const listener of this.listeners) tell(listener, tier, 'hit');
    this.end();
  }

  fail(error: ForewarmError): void {
    this.error = error;
    this.end();
  }

  private end(): void {
    // Another one may be on its way by now.
    if (this.home.get(this.category) === this) this.home.delete(this.category);
    for (const listener of this.waiting ?? []) listener();
    this.waiting = undefined;
  }

  say(tier: TierName, what: Said['what']): void {
    this.told ??= [];
    this.told.push({ tier, what });
    if (this.listeners !== undefined) for (const listener of this.listeners) tell(listener, tier, what);
  }

  saidBy(tier: TierName): Said['what'] | undefined {
    return this.said.find((one) => one.tier === tier)?.what;
  }
}
