/**
 * What can be wrong: the closed catalogue of conditions. Their names are what alerts, metrics, silences and run books go by, and
 * stay. Bounds live in the configuration; here is which of them count.
 */

export type Severity = 'critical' | 'warning';

/** What one alert of a condition is about: one model, the deployment as a whole, or one machine. */
export type Scope = 'model' | 'deployment' | 'host';

export interface Condition {
  readonly scope: Scope;
  readonly severity: Severity;
  /** What it is called where people read it. */
  readonly title: string;
  /** How long it must hold before its alert fires, unless `alerts.fireAfter` says so; 0 for what has a time of its own. */
  readonly fireAfterMs: number;
  /** Settings that bound it: dotted paths, below a model where they begin with `models.*`. */
  readonly settings: readonly string[];
  /** Conditions that explain it: while one of them fires of the same model or of the deployment, nobody is told of this one. */
  readonly causes: readonly string[];
  /** Jobs fire and resolve it when it happens; the others are looked for. */
  readonly byJobs: boolean;
}

const SECOND = 1_000;
const LOST_CACHE = ['redis-cache-down', 'redis-queue-down'];
const NO_CYCLES = ['redis-queue-down', 'redis-cache-down', 'schedule-dead', 'no-worker', 'model-broken'];

/** What degrades cycles, and is told by itself. */
const REFUSALS = ['gate-refused', 'categories-refused', 'features-refused'];

export const CONDITIONS = {
  'cache-empty': watched('model', 'critical', 'nothing is in the cache', 30 * SECOND, [], LOST_CACHE),
  stale: watched(
    'model',
    'critical',
    'predictions are stale',
    30 * SECOND,
    ['models.*.staleAfter'],
    [...['cache-empty', 'cycles-failing', 'gate-refused'], ...NO_CYCLES],
  ),
  'coverage-low': watched(
    'model',
    'warning',
    'rows are missing in the cache',
    60 * SECOND,
    ['alerts.minCoverage'],
    [...['cache-empty', 'cycles-failing'], ...NO_CYCLES],
  ),
  'cycles-failing': watched(
    'model',
    'critical',
    'cycles fail',
    0,
    ['alerts.failedCycles'],
    ['postgres-down', ...REFUSALS, ...NO_CYCLES],
  ),
  'cycle-slow': watched('model', 'warning', 'a cycle takes too long', 15 * SECOND, ['alerts.cycleDeadline'], NO_CYCLES),
  'schedule-dead': watched(
    'model',
    'critical',
    'no cycle is planned',
    30 * SECOND,
    ['alerts.missedTicks'],
    [...['redis-queue-down', 'model-broken']],
  ),
  'no-worker': watched('deployment', 'critical', 'no worker is alive', 30 * SECOND, [], ['redis-queue-down']),
  'model-broken': watched('model', 'critical', 'the model is left alone as broken', 0, ['inference.brokenAfter']),
  'redis-queue-down': watched('deployment', 'critical', 'the queue Redis does not work', 15 * SECOND),
  'redis-cache-down': watched('deployment', 'critical', 'the cache Redis does not work', 15 * SECOND),
  'postgres-down': watched('deployment', 'warning', 'PostgreSQL does not answer', 30 * SECOND),
  'redis-queue-evicts': watched('deployment', 'critical', 'the queue Redis may evict jobs', 15 * SECOND),
  'redis-queue-memory': watched('deployment', 'critical', 'the queue Redis is nearly full', 30 * SECOND, [
    'alerts.queueMemory',
  ]),
  'reads-fall-through': watched(
    'model',
    'warning',
    'reads miss Redis',
    60 * SECOND,
    ['alerts.fallThrough'],
    [...['redis-cache-down', 'cache-empty', 'coverage-low']],
  ),
  'gate-refused': byJobs('critical', 'a gate refuses the new model', ['models.*.bounds', 'models.*.maxDrift']),
  'categories-refused': byJobs('warning', 'a list of categories is refused', [
    ...['models.*.minCategories', 'models.*.maxRemovedShare'],
  ]),
  'features-refused': byJobs('warning', 'features cannot be read', ['models.*.features']),
  'backup-failed': byJobs('warning', 'a backup failed', ['backup.schedule']),
  'backup-incomplete': byJobs('warning', 'a backup is incomplete', ['backup.schedule']),
  'backup-old': watched(
    'model',
    'warning',
    'the newest good backup is old',
    60 * SECOND,
    ['alerts.backupAge'],
    [...['backup-failed', 'backup-incomplete']],
  ),
  'disk-full': watched('host', 'critical', 'a disk is nearly full', 30 * SECOND, ['alerts.minDiskFree']),
  'clock-skew': watched('host', 'warning', "a clock differs from the queue's", 60 * SECOND, ['alerts.maxClockSkew']),
} as const satisfies Readonly<Record<string, Condition>>;

export type ConditionName = keyof typeof CONDITIONS;

export const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly ConditionName[];

export function isConditionName(name: string): name is ConditionName {
  return Object.hasOwn(CONDITIONS, name);
}

/** The catalogue's entry; `undefined` for one of another version of Forewarm. */
export function conditionOf(name: string): Condition | undefined {
  return isConditionName(name) ? CONDITIONS[name] : undefined;
}

/** Where the page of a condition lies, below the folder of the documentation. */
export function runBookOf(name: string): string {
  return `runbooks/${name}.md`;
}

function watched(
  scope: Scope,
  severity: Severity,
  title: string,
  fireAfterMs: number,
  settings: readonly string[] = [],
  causes: readonly string[] = [],
): Condition {
  return { scope, severity, title, fireAfterMs, settings, causes, byJobs: false };
}

function byJobs(severity: Severity, title: string, settings: readonly string[]): Condition {
  return { scope: 'model', severity, title, fireAfterMs: 0, settings, causes: [], byJobs: true };
}
