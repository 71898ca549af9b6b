import { z } from 'zod';
import { COMPRESSIONS, VALUE_FORMS } from '../backup/documents';
import { UNKNOWN_CATEGORIES } from '../tiers/model-source';
import { alertsOffType, mailboxesType, mailServerUrl, webUrl } from './alerts';
import { axesType } from './axes';
import { categoriesType } from './categories';
import { featuresType } from './features';
import { boundsType, driftType } from './gates';
import { inputsType } from './inputs';
import { listenHost } from './listen';
import { optional, required, section, withDefault } from './setting';
import { cron, timezone } from './times';
import { tokensType } from './tokens';
import { LOG_FORMATS, LOG_LEVELS, OVERLAPS, REFRESHES, ROLES, START_SOURCES } from './types';
import {
  byteSize,
  choice,
  choices,
  duration,
  integer,
  labels,
  names,
  oneOrNames,
  postgresUrl,
  redisUrl,
  share as shareOf,
  text,
  wordOr,
  yesOrNo,
} from './values';

/**
 * Every setting with its type, its default and what it does: the only place where defaults are stated.
 * `docs/configuration.md` is generated from it.
 */

export const MODEL_NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/;

const prefix = {
  regex: /^[a-z0-9][a-z0-9_-]{0,31}$/,
  says: 'text of 1 to 32 lower-case letters, digits, `-` and `_`, the first a letter or digit',
};

export const settingsSchema = z.strictObject({
  keyPrefix: withDefault(text(32, prefix), 'forewarm', 'What all keys in Redis begin with; one per installation.'),
  redis: section('The two Redis roles. One server may serve both for development.', {
    cache: withDefault(redisUrl, 'redis://127.0.0.1:6379', 'Where predictions live; this Redis may evict.', {
      variable: 'FOREWARM_REDIS_URL',
      secret: true,
    }),
    queue: optional(redisUrl, 'Where the job queue lives; this Redis must persist and must not evict.', {
      variable: 'FOREWARM_QUEUE_REDIS_URL',
      secret: true,
      defaultText: 'the same as `redis.cache`',
    }),
  }),
  postgres: section('The durable copy of the rows and the run history.', {
    url: optional(
      postgresUrl,
      'The database. A daemon needs it set; that it is away for a while stops no predictions.',
      {
        variable: 'FOREWARM_POSTGRES_URL',
        secret: true,
      },
    ),
    connectTimeout: withDefault(duration('100ms', '1m'), '2s', 'How long a connection may take to open.'),
    statementTimeout: withDefault(duration('100ms', '1h'), '15s', 'How long one statement may run.'),
    poolSize: withDefault(integer(1, 100), 4, 'Connections that one process holds at most.'),
  }),
  http: section('The one listener of the daemon: health, metrics, API and dashboard.', {
    host: withDefault(
      listenHost,
      '127.0.0.1',
      'Address to listen on; one of this machine, unless there are `http.tokens` or `http.exposeWithoutAuthentication` is set.',
    ),
    port: withDefault(integer(0, 65_535), 7878, 'Port to listen on; 0 takes any free one.'),
    exposeWithoutAuthentication: withDefault(
      yesOrNo,
      false,
      'Allows another address in `http.host`, such as 0.0.0.0 in a container. It means that everybody who reaches the ' +
        'address can read and drive this daemon: where there are no `http.tokens`, nobody is asked who they are.',
    ),
    tokens: withDefault(
      tokensType,
      [],
      'Bearer tokens, one of which the API then asks for; several at once, so that one can be replaced without a gap. ' +
        'With another address than one of this machine, the metrics, the pages and the queues ask for one too.',
      { secret: 'whole', defaultText: 'none' },
    ),
    rateLimit: withDefault(
      wordOr('off', integer(1, 1_000_000_000)),
      'off',
      'Requests to the API that one token, or one address without a token, may make in a minute.',
    ),
    requestTimeout: withDefault(
      duration('100ms', '1h'),
      '10s',
      'How long a request may take to arrive, and to be answered.',
    ),
    maxBody: withDefault(byteSize('1KiB', '1GiB'), '8MiB', 'The largest body of a request to the API.'),
    maxBatch: withDefault(integer(1, 1_000_000), 10_000, 'Predictions that one request to the API may ask for.'),
  }),
  log: section('What is logged, and how.', {
    level: withDefault(choice(LOG_LEVELS), 'info', 'The least important messages that are logged.'),
    format: withDefault(choice(LOG_FORMATS), 'auto', '`auto` writes text to a terminal and JSON lines elsewhere.'),
  }),
  roles: withDefault(
    choices(ROLES),
    [...ROLES],
    'What this process does: `scheduler` plans cycles, `worker` computes, `dashboard` shows the queues at `/queues`, `api` ' +
      'answers predictions at `/v1` and `/v2`.',
  ),
  inference: section('The child processes that run the models.', {
    processes: withDefault(wordOr('auto', integer(1, 256)), 'auto', 'How many; `auto` is one per core.'),
    timeLimit: withDefault(
      duration('100ms', '1h'),
      '60s',
      'A process that takes longer over one batch, or over trying a model, is killed.',
    ),
    brokenAfter: withDefault(
      integer(1, 100),
      3,
      'Tries in a row that a model may fail, because it does not load, kills its process or takes too long, before it is ' +
        'left alone for a while.',
    ),
  }),
  reader: section('How the API reads predictions.', {
    memory: withDefault(
      byteSize('0B', '1TiB'),
      '64MiB',
      'Rows that are held in the memory of the process; 0B for none.',
    ),
    deadline: withDefault(
      duration('10ms', '10m'),
      '5s',
      'How long an answer may take that no store has; never longer than `http.requestTimeout`.',
    ),
    processes: withDefault(
      integer(1, 256),
      1,
      'Child processes that compute rows which no store has, beside those of `inference.processes`.',
    ),
  }),
  shutdown: section('How the daemon ends.', {
    grace: withDefault(duration('0s', '10m'), '10s', 'How long running work may take to finish after a stop signal.'),
  }),
  watchdog: section('Looks after the schedules, the cache and the run history.', {
    every: withDefault(
      duration('100ms', '1h'),
      '5s',
      'How often it looks whether cycles still come and rows are still there.',
    ),
  }),
  history: section('How much of the run history is kept.', {
    keepFor: withDefault(duration('1m', '3650d'), '7d', 'How long cycles are kept.'),
    keepCycles: withDefault(integer(1, 10_000_000), 50_000, 'How many cycles are kept at most.'),
    keepBatchesOf: withDefault(
      integer(0, 1_000_000),
      200,
      'Of how many of the last cycles the batches are kept; those of failed cycles are kept as long as the cycle.',
    ),
    keepLogsOf: withDefault(
      integer(0, 1_000_000),
      200,
      'Of how many of the last cycles the lines of their logs are kept; those of cycles that failed or were degraded are kept as long as the cycle.',
    ),
    keepAlerts: withDefault(duration('1m', '3650d'), '400d', 'How long alerts are kept that are over.'),
  }),
  backup: section('The daily copy of what is live, as files.', {
    schedule: withDefault(
      wordOr('off', cron),
      '15 3 * * *',
      'When, as the five fields of cron: minute, hour, day of the month, month, day of the week. One that was missed while no ' +
        'daemon ran is made up for at the next start.',
    ),
    timezone: withDefault(timezone, 'UTC', 'The time zone that `schedule` is meant in.'),
    folder: withDefault(
      text(4096, { regex: /^/, says: 'the path of a folder' }),
      'backups',
      'Where they are written, relative to the folder of the configuration file. One that is named here must exist: a folder that ' +
        'is missing may be a disk that is not mounted.',
    ),
    compression: withDefault(choice(COMPRESSIONS), 'gzip', 'How the files are compressed.'),
    values: withDefault(
      choice(VALUE_FORMS),
      'numbers',
      'Predictions as plain JSON numbers, or `packed` as base64, which is quicker to write and to read and says nothing to people.',
    ),
    keep: section(
      'Which backups are kept; each is deleted that none of the three keeps. The newest good one always stays.',
      {
        last: withDefault(integer(1, 10_000), 7, 'The newest ones, as many.'),
        daily: withDefault(integer(0, 10_000), 14, 'The newest one of each day that has one, for as many days.'),
        weekly: withDefault(integer(0, 10_000), 8, 'The newest one of each week that has one, for as many weeks.'),
      },
    ),
  }),
  alerts: section(
    'What is looked for when nobody is looking, and who is told. The run books say what each condition means.',
    {
      off: withDefault(alertsOffType, [], 'Conditions of which nobody is told.', { defaultText: 'none' }),
      fireAfter: withDefault(
        wordOr('auto', duration('0s', '24h')),
        'auto',
        'How long something must be wrong before its alert fires; `auto` is what its run book says.',
      ),
      resolveAfter: withDefault(
        duration('0s', '24h'),
        '1m',
        'How long it must be well, as every daemon sees it, before the alert is over: one that comes and goes is told once.',
      ),
      remindEvery: withDefault(
        wordOr('never', duration('1s', '365d')),
        '4h',
        'How often it is told again while the alert fires.',
      ),
      minCoverage: withDefault(
        shareOf,
        0.99,
        'Share of the rows of a model that must be in the cache; below it `coverage-low` fires.',
      ),
      failedCycles: withDefault(
        integer(1, 100),
        3,
        'Cycles of a model in a row that failed or were degraded, at which `cycles-failing` fires.',
      ),
      cycleDeadline: withDefault(
        wordOr('auto', duration('1s', '24h')),
        'auto',
        'How long a cycle may take; `auto` is three periods of its model, at least a minute. Beyond it `cycle-slow` fires.',
      ),
      missedTicks: withDefault(
        integer(1, 1_000),
        3,
        'Periods of a model for which its schedule may be late, at least 15 s; then `schedule-dead` fires.',
      ),
      queueMemory: withDefault(
        shareOf,
        0.9,
        'Share of its `maxmemory` that the queue Redis may use; above it `redis-queue-memory` fires.',
      ),
      fallThrough: withDefault(
        shareOf,
        0.05,
        'Share of the reads of a minute that Postgres or the model may answer; above it `reads-fall-through` fires.',
      ),
      backupAge: withDefault(
        wordOr('auto', duration('1m', '3650d')),
        'auto',
        'How old the newest complete and verified backup may be; `auto` is a period of `backup.schedule` and two hours: 26 hours. Beyond it ' +
          '`backup-old` fires.',
      ),
      minDiskFree: withDefault(
        shareOf,
        0.05,
        'Share of a disk that must be free, of those with backups and with the configuration; below it `disk-full` fires.',
      ),
      maxClockSkew: withDefault(
        duration('100ms', '1h'),
        '2s',
        'How far the clock of a machine may be from that of the queue Redis; beyond it `clock-skew` fires.',
      ),
      runBooks: optional(webUrl, 'Address below which your people find the run books, for links in messages.', {
        defaultText: 'the files in `docs/runbooks`',
      }),
      webhook: section('A receiver of messages as JSON.', {
        url: optional(webUrl, 'Where each message is posted.', { secret: 'whole' }),
        secret: optional(
          text(1_024),
          'Key of the HMAC-SHA-256 over time and body, in the header `forewarm-signature`.',
          { secret: 'whole' },
        ),
      }),
      slack: section('A channel of Slack, or of what takes the same: Mattermost, Discord (`/slack`), Rocket.Chat.', {
        url: optional(webUrl, 'The incoming webhook.', { secret: 'whole' }),
      }),
      email: section('Mail.', {
        smtp: optional(mailServerUrl, 'The server, `smtp://USER:PASSWORD@HOST:587` or `smtps://HOST`.', {
          secret: true,
        }),
        from: optional(mailboxesType(1), 'Who it comes from.', {
          defaultText: '`forewarm@` and the name of the machine',
        }),
        to: withDefault(mailboxesType(100), [], 'Who gets it.', { defaultText: 'nobody' }),
      }),
    },
  ),
  limits: section('What a model may ask for, so that a slip of the pen does not fill the memory.', {
    cellsPerRow: withDefault(
      integer(1, 16_777_216),
      65_536,
      'Cells of one row: the product of the lengths of the axes.',
    ),
    gridBytes: withDefault(byteSize('1KiB', '1024TiB'), '4GiB', 'Bytes of all rows of one model together.'),
  }),
});

export const modelSchema = z.strictObject({
  file: required(
    text(4096, { regex: /^/, says: 'the path of a file' }),
    'Path of the ONNX file, relative to the folder of the configuration file.',
  ),
  version: optional(text(100), 'Free text that is shown as the version of the model.'),
  axes: required(axesType, 'The axes of the grid, in storage order: name to values.'),
  categories: required(
    categoriesType,
    'The categories, one row each, the file that lists them, or the query that says which there are.',
  ),
  minCategories: withDefault(
    integer(1, 10_000_000),
    1,
    'A list of a file or a query that has fewer categories is not taken while the daemon runs: those of before are used on.',
  ),
  maxRemovedShare: withDefault(
    shareOf,
    0.5,
    'A list of a file or a query that lacks a larger share of the categories that are served is not taken.',
  ),
  inputs: withDefault(inputsType, {}, 'What inputs of the model are fed with whose names are not those of an axis.', {
    defaultText: 'by name: an axis, or `category`',
  }),
  features: optional(
    featuresType,
    'What is known of each category beside its name, for inputs that take `{ feature: NAME }`; read again by each cycle.',
  ),
  output: optional(
    oneOrNames(512, 64),
    'Name of the output of the model that holds the predictions, or a list of several.',
    {
      defaultText: 'the only output',
    },
  ),
  classes: optional(
    labels(512, 65_535),
    'Of a classifier: the classes whose probabilities are stored, in this order; they are named after them.',
    { defaultText: 'all, where the graph tells them' },
  ),
  outputs: optional(names(512, 65_535), 'Names of the values of one cell, where the model gives several.'),
  bounds: optional(
    boundsType,
    'Gate: values of a new generation that are outside keep it from going live; for all outputs, or by name.',
  ),
  maxDrift: optional(
    driftType,
    'Gate: how far a new generation may be from the live one. `mean`: the sum of all changes by the sum of the sizes of all live values. ' +
      '`share`: the share of values that changed by more than `band` (50 % unless given) of the live one, or of the mean of its row where that is more.',
  ),
  keepGenerations: withDefault(
    integer(2, 20),
    2,
    'Generations that are kept whole: the live one, and those that `forewarm rollback` can go back to.',
  ),
  every: withDefault(duration('1s', '24h'), '20s', 'How often the grid is computed.'),
  refresh: withDefault(
    choice(REFRESHES),
    'always',
    'What a cycle computes: every row, or only rows whose inputs have changed, that are missing, damaged or older than `maxAge`.',
  ),
  maxAge: withDefault(
    wordOr('never', duration('1s', '3650d')),
    '24h',
    'With `refresh: changed`: age from which a row is computed anew though its inputs are the same.',
  ),
  overlap: withDefault(choice(OVERLAPS), 'skip', 'What happens when it is time again and the last cycle still runs.'),
  batchSize: withDefault(wordOr('auto', integer(1, 10_000)), 'auto', 'Categories that one job computes.'),
  staleAfter: withDefault(duration('1s', '3650d'), '5m', 'Age from which a prediction is marked as stale.'),
  unknownCategories: withDefault(
    choice(UNKNOWN_CATEGORIES),
    'compute',
    'What readers do that are asked for a category which is not among `categories`: have the model compute it, or refuse.',
  ),
  expireAfter: withDefault(
    wordOr('never', duration('1s', '3650d')),
    'never',
    'Rows are deleted from Redis when no cycle has computed, verified or restored them for so long; at least three times ' +
      '`every`, so that they outlive a cycle that fails.',
  ),
  startFrom: withDefault(
    choices(START_SOURCES),
    ['postgres', 'model'],
    'Where a cache that is empty gets its rows from: their copy in Postgres, the newest verified backup (only while the model file ' +
      'is missing, and Postgres has no rows), the model.',
  ),
});

/** All settings outside of models, as the schema gives them. */
export type Settings = z.output<typeof settingsSchema>;
/** One model, as the schema gives it. */
export type ModelSettings = z.output<typeof modelSchema>;
