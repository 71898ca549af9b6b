import type { AlertsConfig } from '../config/types';
import type { OpenAlert, Saying, Silence } from '../store/alert-store';
import { conditionOf } from './conditions';
import type { AlertKey } from './notice';
import { type AlertEvent, type AlertState, type AlertTimes, advance, type Level } from './state-machine';

/** What one look found of one condition. */
export interface Observation extends Saying {
  readonly level: Level;
}

/** What becomes of one alert. */
export interface Verdict {
  readonly saying: Saying;
  /** As it was; `undefined` where there was none. */
  readonly known: Known | undefined;
  /** As it is to be; `undefined`: it is over, or was nothing. */
  readonly state: AlertState | undefined;
  readonly event: AlertEvent | undefined;
}

export type Known = Pick<OpenAlert, keyof Saying | 'state' | 'sinceMs'>;

/** What a daemon judges alerts by. */
export interface Court {
  readonly alerts: Pick<AlertsConfig, 'off' | 'fireAfterMs' | 'resolveAfterMs' | 'remindEveryMs'>;
  /** Between two looks. */
  readonly everyMs: number;
  /** The machine whose daemon looks. */
  readonly host: string;
  /** The models that it knows. */
  readonly models: readonly string[];
}

/** Looks for which one that is pending lives on without being seen. */
const GRACE_LOOKS = 3;
/** An alert that none of the daemons here can look at any more, because its machine or model is gone, is over after this time. */
const FORGOTTEN_MS = 3_600_000;

export function keyText({ condition, model, place }: AlertKey): string {
  return `${condition}\n${model}\n${place}`;
}

/** One look at all alerts. Pure. Those of which nothing is to be done are left out. */
export function judge<K extends Known>(
  known: readonly K[],
  observations: readonly Observation[],
  silences: readonly Pick<Silence, 'condition' | 'model'>[],
  nowMs: number,
  court: Court,
): (Verdict & { readonly known: K | undefined })[] {
  const open = new Map(known.map((alert) => [keyText(alert), alert]));
  const seen = new Map(observations.map((observation) => [keyText(observation), observation]));
  const troubles = troublesOf(known, observations);
  return [...new Set([...open.keys(), ...seen.keys()])].flatMap((key) => {
    const alert = open.get(key);
    const observation = seen.get(key);
    const saying = observation?.level === 'bad' ? observation : (alert ?? observation);
    if (saying === undefined) return [];
    // One that jobs have resolved: only its end is left to tell.
    if (alert !== undefined && alert.state === undefined) {
      return [{ saying: alert, known: alert, state: undefined, event: 'resolved' as const }];
    }
    const level = observation?.level ?? (alert === undefined ? 'unknown' : levelUnseen(alert, nowMs, court));
    const muted = isMuted(saying, troubles, silences, court);
    const move = advance(alert?.state, level, nowMs, timesOf(saying.condition, court), muted);
    if (move.state === undefined && alert === undefined) return [];
    return [{ saying, known: alert, ...move }];
  });
}

/**
 * What is wrong, may soon be said to be, or is not yet over: it explains other things. A cause that is well again goes on to do so until it
 * is resolved, which is the time that what follows from it has to become well too.
 */
function troublesOf(known: readonly Known[], observations: readonly Observation[]): readonly AlertKey[] {
  const good = new Set(observations.filter(({ level }) => level === 'good').map(keyText));
  const open = known.filter((alert) => alert.state?.phase === 'firing' || (alert.state && !good.has(keyText(alert))));
  return [...open, ...observations.filter(({ level }) => level === 'bad')];
}

function isMuted(
  { condition, model }: AlertKey,
  troubles: readonly AlertKey[],
  silences: readonly Pick<Silence, 'condition' | 'model'>[],
  { alerts }: Court,
): boolean {
  if (alerts.off.some((name) => name === condition)) return true;
  const silent = silences.some(
    (silence) => (silence.condition ?? condition) === condition && (silence.model ?? model) === model,
  );
  if (silent) return true;
  const causes = conditionOf(condition)?.causes ?? [];
  return troubles.some((trouble) => causes.includes(trouble.condition) && ['', model].includes(trouble.model));
}

function levelUnseen(alert: Known, nowMs: number, { host, models }: Court): Level {
  const { condition, model, place, state } = alert;
  // It holds until the jobs say otherwise.
  if (conditionOf(condition)?.byJobs && (model === '' || models.includes(model))) return 'bad';
  const gone = (place !== '' && place !== host) || (model !== '' && !models.includes(model)) || !conditionOf(condition);
  return gone && state !== undefined && nowMs - state.lastSeenMs >= FORGOTTEN_MS ? 'good' : 'unknown';
}

export function timesOf(condition: string, { alerts, everyMs }: Court): AlertTimes {
  const { fireAfterMs, resolveAfterMs, remindEveryMs } = alerts;
  return {
    fireAfterMs: fireAfterMs === 'auto' ? (conditionOf(condition)?.fireAfterMs ?? 0) : fireAfterMs,
    resolveAfterMs,
    remindEveryMs: remindEveryMs ?? Number.POSITIVE_INFINITY,
    graceMs: GRACE_LOOKS * everyMs,
  };
}
