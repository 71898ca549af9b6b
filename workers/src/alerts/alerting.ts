import type { JobContext } from '#jobs/context';
import type { Court } from '#shared/alerts/judge';
import type { Config } from '#shared/config/types';
import { BoundedStatements } from '#shared/connections/bounded-statements';
import type { Service } from '#shared/lifecycle';
import type { ReaderStats } from '#shared/predictor/reader-stats';
import { AlertOutbox } from '#shared/store/alert-outbox';
import { AlertStore } from '#shared/store/alert-store';
import type { Connections } from '../connections';
import type { QueueTrouble } from '../queue-trouble';
import { lookEveryMs, Watchdog } from '../watchdog/watchdog';
import { AlertClaims } from './alert-claims';
import { AlertLook } from './alert-look';
import { CommonClock } from './common-clock';
import { Delivery } from './delivery';
import { BackupObserver } from './observers/backup-observer';
import { CacheObserver, type Counted } from './observers/cache-observer';
import { ConnectionObserver } from './observers/connection-observer';
import { HistoryObserver } from './observers/history-observer';
import { MachineObserver } from './observers/machine-observer';
import { QueueObserver } from './observers/queue-observer';
import { ReadsObserver } from './observers/reads-observer';
import { makeSinks } from './sinks/make-sinks';

/** A statement that takes longer is given up: a PostgreSQL that hangs must keep nobody from telling so. */
const STATEMENT_MS = 2_500;
/** At the end of a daemon, for messages that are on their way. */
const END_MS = 1_500;

export interface AlertingParts {
  readonly context: JobContext;
  readonly connections: Connections;
  readonly trouble: QueueTrouble;
  /** Rows as the watch over the cache has counted them. */
  readonly counted: Counted;
  /** Of the reader of the API; `undefined` without the role. */
  readonly stats: (() => ReaderStats) | undefined;
}

/**
 * Looks for all that can be wrong, and tells. It needs neither the queue nor Redis nor PostgreSQL, and is the first service of a
 * daemon: one that waits for its Redis says so.
 */
export class Alerting implements Service {
  readonly name = 'alerts';
  private readonly statements: BoundedStatements;
  private readonly delivery: Delivery;
  private readonly watchdog: Watchdog;

  constructor({ context, connections, trouble, counted, stats }: AlertingParts) {
    const { config, log, errors, host, metrics } = context;
    const { queue, cache, postgres } = connections;
    this.statements = new BoundedStatements(postgres, STATEMENT_MS);
    this.delivery = new Delivery(makeSinks(config, log), new AlertOutbox(this.statements), errors);
    const common = new CommonClock(queue);
    const look: AlertLook = new AlertLook({
      observers: [
        new ConnectionObserver(config, connections, trouble, () => look.postgresFailure),
        new CacheObserver(context, common, counted),
        new QueueObserver(context, common, queue),
        new HistoryObserver(context, () => look.postgresBackMs),
        new BackupObserver(context),
        new ReadsObserver(context, stats),
        new MachineObserver(context, common),
      ],
      store: new AlertStore(this.statements),
      reported: context.alerts,
      claims: new AlertClaims([queue, cache], config.keyPrefix, host),
      delivery: this.delivery,
      errors,
      metrics,
      court: courtOf(config, host),
      sender: { deployment: config.keyPrefix, host, runBooks: config.alerts.runBooks },
    });
    this.watchdog = new Watchdog(this.name, config.watchdog.everyMs, errors, [look]);
  }

  async start(): Promise<void> {
    await this.watchdog.start();
  }

  async stop(): Promise<void> {
    await this.watchdog.stop();
    await this.delivery.end(END_MS);
    this.statements.close();
  }
}

function courtOf(config: Config, host: string): Court {
  return { alerts: config.alerts, everyMs: lookEveryMs(config), host, models: config.models.map(({ name }) => name) };
}
