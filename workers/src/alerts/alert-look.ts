import { conditionOf } from '#shared/alerts/conditions';
import { type Court, judge, keyText, type Observation, timesOf, type Verdict } from '#shared/alerts/judge';
import { noticeOf, type Sender } from '#shared/alerts/notice';
import { steadyClock } from '#shared/clock';
import { isRefusal } from '#shared/connections/postgres';
import { ForewarmError } from '#shared/errors';
import { errorFacts } from '#shared/logger';
import type { Metrics } from '#shared/metrics';
import type { RepeatedErrors } from '#shared/repeated-errors';
import type { AlertStore, AlertView, OpenAlert, Telling } from '#shared/store/alert-store';
import type { ReportedAlerts } from '#shared/store/reported-alerts';
import { within } from '#shared/within';
import type { Watched } from '../watchdog/watchdog';
import type { AlertClaims } from './alert-claims';
import type { Delivery } from './delivery';
import { type LocalAlert, LocalAlerts } from './local-alerts';
import type { Observer } from './observers/observer';

/** A store that hangs is nobody who is asked again, nor waited for, by the next look. */
const PATIENCE_MS = 3_000;

/** Redis is asked who tells, and is not waited for: a message that comes twice is better than none. */
const CLAIM_MS = 1_000;

const AWAY: readonly string[] = ['FW_REDIS_UNAVAILABLE', 'FW_POSTGRES_UNAVAILABLE'];

export interface AlertLookParts {
  readonly observers: readonly Observer[];
  readonly store: AlertStore;
  /** What jobs have met and PostgreSQL does not know yet. */
  readonly reported: Pick<ReportedAlerts, 'flush'>;
  readonly claims: AlertClaims;
  readonly delivery: Delivery;
  readonly errors: RepeatedErrors;
  readonly metrics: Pick<Metrics, 'alerts'>;
  readonly court: Court;
  readonly sender: Sender;
}

/**
 * One look at all conditions. What is wrong is kept in PostgreSQL, where daemons move it together: whoever moves an alert on
 * puts what is to be told of it beside it, and everybody else finds it moved. While PostgreSQL is away each daemon goes on by
 * itself, and the first that says so in Redis tells.
 */
export class AlertLook implements Watched {
  readonly name = 'the alerts';
  /** Why PostgreSQL could not be asked at the last look. */
  postgresFailure: unknown;
  /** Since when it can be asked again, by the steady clock; `undefined` where it always could. */
  postgresBackMs: number | undefined;
  private readonly parts: AlertLookParts;
  private readonly local = new LocalAlerts();
  private readonly asking = new Map<string, Promise<readonly Observation[]>>();
  /** The last view that PostgreSQL gave, with what this daemon has done since, and when that was by the steady clock. */
  private view: AlertView | undefined;
  private viewedAtMs = 0;
  private reading: Promise<AlertView> | undefined;

  constructor(parts: AlertLookParts) {
    this.parts = parts;
  }

  async look(): Promise<void> {
    const view = await this.read();
    const observations = await this.observe();
    if (view === undefined) await this.judgeAlone(observations);
    else await this.judgeTogether(view, observations);
    this.showFiring();
    this.parts.delivery.begin();
  }

  private showFiring(): void {
    const { postgresFailure, view, local } = this;
    const known = postgresFailure === undefined ? (view?.alerts ?? []) : local.known;
    this.parts.metrics.alerts(known.filter(({ state }) => state?.phase === 'firing'));
  }

  /** `undefined` while PostgreSQL is away, or has none of its tables yet. */
  private async read(): Promise<AlertView | undefined> {
    this.reading ??= this.parts.store.view().finally(() => {
      this.reading = undefined;
    });
    const { reading } = this;
    let view: AlertView | undefined;
    let failure: unknown = new Error(`no answer within ${PATIENCE_MS} ms`);
    const read = reading.then(
      (found) => {
        view = found;
      },
      (error: unknown) => {
        failure = error;
      },
    );
    await within(read, PATIENCE_MS);
    if (view !== undefined && this.postgresFailure !== undefined) this.postgresBackMs = steadyClock.now();
    this.postgresFailure = view === undefined ? failure : undefined;
    if (view !== undefined) {
      this.view = view;
      this.viewedAtMs = steadyClock.now();
    }
    return view;
  }

  /** What each observer finds within its time; of the others nothing is known. */
  private async observe(): Promise<readonly Observation[]> {
    const found: Observation[] = [];
    await Promise.all(
      this.parts.observers.map(async (observer) => {
        const { name } = observer;
        const asked = this.asking.get(name) ?? observer.observe().finally(() => this.asking.delete(name));
        this.asking.set(name, asked);
        const heard = asked.then(
          (observations) => void found.push(...observations),
          (error: unknown) => {
            // That a store is away is a condition of its own.
            if (error instanceof ForewarmError && AWAY.includes(error.code)) return;
            this.parts.errors.report(`looking at ${name} for alerts`, error, errorFacts(error));
          },
        );
        await within(heard, PATIENCE_MS);
      }),
    );
    return found;
  }

  private async judgeTogether(view: AlertView, observations: readonly Observation[]): Promise<void> {
    const { court } = this.parts;
    const onRecord = async (work: () => Promise<void>): Promise<boolean> => {
      try {
        await work();
        return true;
      } catch (error) {
        const says = 'an alert could not be recorded; the next look tries again';
        this.parts.errors.report(says, error, errorFacts(error));
        // What is refused is one alert's own matter; what is away is away for all.
        return isRefusal((error as { cause?: unknown }).cause);
      }
    };
    await onRecord(() => this.parts.reported.flush());
    if (this.local.inCharge) {
      await onRecord(() => this.handOver(view));
      return;
    }
    for (const verdict of judge(view.alerts, observations, view.silences, view.nowMs, court)) {
      if (!(await onRecord(() => this.record(verdict, view.nowMs)))) return;
    }
  }

  private async record(verdict: Verdict & { readonly known: OpenAlert | undefined }, nowMs: number): Promise<void> {
    const { store, court } = this.parts;
    const { known, saying, state } = verdict;
    const telling = this.tellingOf(verdict, nowMs);
    if (known === undefined) {
      if (state !== undefined) await store.begin(saying, state, court.host, telling);
    } else if (state === undefined) await store.end(known, nowMs, telling);
    else if (this.isNews(verdict)) await store.move(known, saying, state, telling);
    this.mirror(verdict);
    if (verdict.event !== undefined) await within(this.parts.claims.note(saying, verdict.event), CLAIM_MS);
  }

  /** What is on record now, for the case that nobody can be asked at the next look. */
  private mirror({ known, saying, state }: Verdict & { readonly known: OpenAlert | undefined }): void {
    if (this.view === undefined) return;
    const others = this.view.alerts.filter((alert) => alert !== known);
    const { condition, model, place, message, facts } = saying;
    const row = { id: known?.id ?? 0, version: known?.version ?? 0 };
    const moved = state && { ...row, condition, model, place, message, facts, state, sinceMs: state.sinceMs };
    this.view = { ...this.view, alerts: moved === undefined ? others : [...others, moved] };
  }

  /** That an alert is still seen is written about once a look, not once by each daemon. */
  private isNews({ known, state, event }: Verdict): boolean {
    if (event !== undefined || known?.state?.phase !== state?.phase) return true;
    if (known !== undefined && conditionOf(known.condition)?.byJobs) return false;
    return (state?.lastSeenMs ?? 0) - (known?.state?.lastSeenMs ?? 0) >= this.parts.court.everyMs / 2;
  }

  private tellingOf({ event, saying, known, state }: Verdict, nowMs: number): Telling | undefined {
    if (event === undefined) return undefined;
    const sinceMs = state?.sinceMs ?? known?.sinceMs ?? nowMs;
    const told = { ...saying, event, since: new Date(sinceMs), at: new Date(nowMs), alone: false };
    return { event, notice: noticeOf(told, this.parts.sender), sinks: this.parts.delivery.sinkNames };
  }

  private async judgeAlone(observations: readonly Observation[]): Promise<void> {
    const { claims, court, sender, delivery } = this.parts;
    this.local.takeOver(this.view?.alerts.filter(({ state }) => state !== undefined) ?? []);
    const nowMs = this.nowMs();
    const silences = (this.view?.silences ?? []).filter(({ until }) => until.getTime() > nowMs);
    for (const verdict of judge<LocalAlert>(this.local.known, observations, silences, nowMs, court)) {
      const { saying, event, known, state } = verdict;
      // What PostgreSQL has on record stays as it is until that is back.
      if (known?.row === true) continue;
      this.local.apply(verdict, nowMs);
      if (event === undefined) {
        if (state?.toldMs != null) await within(claims.keep(saying), CLAIM_MS);
        continue;
      }
      const { remindEveryMs } = timesOf(saying.condition, court);
      const claim = await claims.claim(saying, event, remindEveryMs);
      if (claim === 'lost') continue;
      const since = new Date(state?.sinceMs ?? known?.sinceMs ?? nowMs);
      delivery.add(noticeOf({ ...saying, event, since, at: new Date(nowMs), alone: claim === 'alone' }, sender));
    }
  }

  /** The database's clock as it goes on by the steady one; this machine's where the database never answered. */
  private nowMs(): number {
    return this.view === undefined ? Date.now() : this.view.nowMs + steadyClock.now() - this.viewedAtMs;
  }

  /** PostgreSQL is back: it is told what came meanwhile, and the next look is on common ground again. */
  private async handOver({ alerts, nowMs }: AlertView): Promise<void> {
    const { store, claims, court } = this.parts;
    const { began, ended, keys } = this.local.handOver();
    const there = new Set(alerts.filter(({ state }) => state?.phase !== 'pending').map(keyText));
    for (const alert of began.filter((one) => !there.has(keyText(one)))) {
      // Another daemon may have seen its end, and told it, before this one did.
      const endMs = (await claims.isOver(alert)) ? nowMs : undefined;
      if (alert.state !== undefined) await store.recover(alert, alert.state, court.host, endMs);
    }
    for (const { saying, state, endMs } of ended) await store.recover(saying, state, court.host, endMs);
    await claims.release(keys);
    this.local.clear();
  }
}
