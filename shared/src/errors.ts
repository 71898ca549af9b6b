/**
 * The one catalogue of errors that a user can meet. Every code is stable: scripts may match on it.
 * `docs/errors.md` is written from this list by `./scripts/docs`, and a test holds the two together.
 */

/** How the command line ends for an error of this kind; the numbers are documented in the README. */
export const EXIT_CODES = { ok: 0, internal: 1, input: 2, unavailable: 3, notFound: 4, refused: 5 } as const;

export type ErrorKind = Exclude<keyof typeof EXIT_CODES, 'ok'>;

export interface CatalogueEntry {
  readonly kind: ErrorKind;
  /** Whether the same work may succeed later without anybody changing anything. */
  readonly retryable: boolean;
  /** What it means, one sentence. */
  readonly means: string;
  /** What to do next, one sentence. */
  readonly next: string;
}

const input = (means: string, next: string): CatalogueEntry => ({ kind: 'input', retryable: false, means, next });
const unavailable = (means: string, next: string): CatalogueEntry => ({
  kind: 'unavailable',
  retryable: true,
  means,
  next,
});
const notFound = (means: string, next: string): CatalogueEntry => ({ kind: 'notFound', retryable: false, means, next });
const refused = (means: string, next: string): CatalogueEntry => ({ kind: 'refused', retryable: false, means, next });
const internal = (retryable: boolean, means: string, next: string): CatalogueEntry => ({
  kind: 'internal',
  retryable,
  means,
  next,
});

export const ERROR_CATALOGUE = {
  // Configuration and command line
  FW_CONFIG_MISSING: input('The configuration file does not exist.', 'Check --config or FOREWARM_CONFIG.'),
  FW_CONFIG_UNREADABLE: input('The configuration file is not valid YAML or cannot be read.', 'Mend the named line.'),
  FW_CONFIG_INVALID: input('One or more settings are wrong; all of them are listed.', 'Mend each listed setting.'),
  FW_USAGE: input('The command line is not understood.', 'See forewarm COMMAND --help.'),

  // The model file and its mapping
  FW_MODEL_FILE_MISSING: input('The ONNX file does not exist or cannot be read.', 'Check models.NAME.file.'),
  FW_MODEL_FILE_WRITE: internal(
    false,
    'A new model file could not be put into its place; the old one is there as it was.',
    'Look at the rights and the room of its folder.',
  ),
  FW_MODEL_NOT_ONNX: input('The file is not an ONNX model that the runtime can load.', 'Export the model again.'),
  FW_MODEL_TYPE_UNSUPPORTED: input(
    'An input or output has an element type that is not supported.',
    'Export it as float, double, int32, int64, bool or, for an input, string.',
  ),
  FW_MODEL_SHAPE_UNSUPPORTED: input(
    'An input has a shape other than [N] or [N, F], or is given another number of columns than F.',
    'List as many columns as it takes, in their order, under models.NAME.inputs.',
  ),
  FW_MODEL_INPUT_UNMAPPED: input(
    'A model input is provided by no axis, by no mapping and is not the category.',
    'Add an axis of that name, or map it under models.NAME.inputs.',
  ),
  FW_MODEL_INPUT_UNKNOWN: input(
    'The configuration maps an input that the model does not have.',
    'Use one of the input names that the message lists.',
  ),
  FW_MODEL_INPUT_VALUE: input(
    'An axis value or category cannot be given to the input as its element type, or a category is not in its vocabulary.',
    'Change the values, the vocabulary, or the type of the model input.',
  ),
  FW_MODEL_OUTPUT_UNKNOWN: input(
    'The configured output does not exist in the model, or none was chosen where there are several.',
    'Set models.NAME.output to one of the outputs that the message lists.',
  ),
  FW_MODEL_CLASS_UNKNOWN: input(
    'The classifier has no class of that name, or the graph does not tell its classes.',
    'Use one of the classes that the message lists, or name the values under models.NAME.outputs.',
  ),
  FW_MODEL_OUTPUT_SIZE: input(
    'The model returned another number of values than one cell times its outputs.',
    'Check that the model gives one row of output for each row of input.',
  ),
  FW_MODEL_CHANGED: internal(
    true,
    'The model file is not the one that this batch was planned for.',
    'Nothing: the next cycle plans with the file as it is now.',
  ),

  FW_GENERATION_REPLACED: internal(
    true,
    'Another generation was published while a cycle was about to end; it looks again.',
    'Nothing: it is tried again.',
  ),

  // Inference
  FW_VALUE_NOT_FINITE: internal(
    false,
    'The model gave NaN or an infinite value for a category; its old row was kept.',
    'Look at the inputs of that category, or mend the model.',
  ),
  FW_VALUE_INEXACT: internal(
    false,
    'The model gave a whole number for a category that float32 does not hold; its old row was kept.',
    'Store another output, or export this one as float.',
  ),
  FW_INFERENCE_FAILED: internal(false, 'ONNX Runtime refused a run.', 'Read its message; try the model by hand.'),
  FW_INFERENCE_TIME_LIMIT: internal(
    true,
    'A batch took longer than inference.timeLimit and its process was killed.',
    'Raise inference.timeLimit, or make batches smaller with batchSize.',
  ),
  FW_INFERENCE_CRASHED: internal(
    true,
    'An inference process died while it computed a batch; it was replaced.',
    'Look for an out-of-memory kill in the system log if it goes on.',
  ),

  FW_MODEL_BROKEN: internal(
    false,
    'A batch was not begun: its cycle had only lost processes so far, and others wait for them.',
    'Mend the model file or what it lacks (memory, time); forewarm status tells when it is tried again.',
  ),

  // Rows
  FW_ROW_CORRUPT: internal(
    false,
    'A stored row fails its magic, length, identity or checksum.',
    'Nothing: it is not returned, and the next cycle writes it again.',
  ),

  // Reading
  FW_MODEL_UNKNOWN: notFound('No model of that name is configured.', 'Use one of the names that the message lists.'),
  FW_NOT_WARMED: notFound('Nothing has been published for this model yet.', 'Start the daemon, or wait for a cycle.'),
  FW_CATEGORIES_REFUSED: input(
    'A list of categories cannot be read, or lacks too many of those that are served; those of before are used on.',
    'Mend the file or the query, or lower minCategories or raise maxRemovedShare if the list is meant so.',
  ),
  FW_CATEGORIES_UNAVAILABLE: unavailable(
    'The query for the categories of a model has no answer, and none was kept before.',
    'Mend the query or its database: the message says what is wrong.',
  ),
  FW_FEATURES_UNAVAILABLE: unavailable(
    'The features of a model could never be read from their source, so that nothing can be computed.',
    'Mend the source: the message says what is wrong with it.',
  ),
  FW_FEATURES_REFUSED: input(
    'The features of a model cannot be read any more, or are not as its inputs need them; those of before are used on.',
    'Mend the source: the message says what is wrong with it.',
  ),
  FW_FEATURE_MISSING: input(
    'A category has no value, or NaN, for a feature that the model takes; it is not computed, and keeps its old row.',
    'Add the value to the source, or set models.NAME.features.missing to default.',
  ),
  FW_CATEGORY_UNKNOWN: notFound('There is no row for this category.', 'Check the spelling; names are exact.'),
  FW_CELL_UNKNOWN: input(
    'The coordinates do not name one cell of the grid.',
    'Give each axis once, with one of its values.',
  ),

  FW_GENERATION_NOT_HERE: refused(
    'The model file here is not the one whose predictions are published, so that it may not answer for it.',
    'Nothing while a new model is being published; otherwise give readers the file that the daemon has.',
  ),
  FW_TIER_TIME_LIMIT: unavailable('A tier did not answer within its time limit.', 'Look at the load of its server.'),
  FW_TIER_RESTING: unavailable(
    'A tier was not asked, because it failed several times in a row a moment ago.',
    'Nothing: it is tried again within seconds.',
  ),
  FW_READER_BUSY: unavailable(
    'More rows wait to be computed for readers than may wait.',
    'Ask again in a moment; find out why so many rows are in no store.',
  ),
  FW_READER_CLOSED: refused(
    'A reader was asked after it had been closed.',
    'Ask before you close it, or make another.',
  ),
  FW_READ_FAILED: unavailable(
    'No tier could answer; the message says what each of them said.',
    'Look at the first tier that should have answered.',
  ),
  FW_READ_DEADLINE: unavailable(
    'The time that a call may take ran out; the message says what each tier had said by then.',
    'Give the call more time (deadlineMs), or look at the slow tier.',
  ),

  // Services
  FW_REDIS_UNAVAILABLE: unavailable('Redis cannot be reached or refused the command.', 'Check redis.* and the server.'),
  FW_REDIS_WRITE_FAILED: unavailable('Redis refused to write rows.', 'Check memory and disk of the cache Redis.'),
  FW_POSTGRES_UNAVAILABLE: unavailable(
    'PostgreSQL cannot be reached or refused the statement.',
    'Check postgres.url and the server.',
  ),
  FW_MIGRATION_FAILED: internal(
    false,
    'A migration of the database schema failed and was rolled back.',
    'Read the named migration and the message of PostgreSQL.',
  ),

  // Jobs and daemon
  FW_JOB_UNKNOWN: internal(false, 'A queue holds a job whose name no definition has.', 'Remove it from the queue.'),
  FW_JOB_PAYLOAD: input('The data of a job does not fit its schema.', 'Add the job again with the listed mends.'),
  FW_JOB_NOT_HERE: internal(
    true,
    'A job is for a model that this daemon does not have in its configuration.',
    'Give all daemons of one queue the same configuration.',
  ),
  FW_JOB_TIME_LIMIT: internal(true, 'A job took longer than its definition allows.', 'Look at the log of its stores.'),
  FW_CYCLE_LOST: internal(true, 'A cycle vanished from the queue before it ended.', 'Nothing: the next one starts.'),
  FW_CYCLE_UNKNOWN: notFound(
    'The run history has no cycle of that id.',
    'See forewarm cycles; old cycles are deleted after a while (history.*).',
  ),
  FW_CYCLE_AMBIGUOUS: input(
    'More than one cycle of the run history has an id that begins like this.',
    'Give more of the id: the message lists those that fit.',
  ),
  FW_CYCLE_NOT_RUNNING: refused(
    'The cycle does not run, so there is nothing to cancel.',
    'See forewarm cycles for what became of it.',
  ),
  FW_NOTHING_TO_RETRY: refused(
    'No row of the cycle failed, or it still runs.',
    'See forewarm cycles show; to warm everything again use forewarm warm.',
  ),

  // Backups
  FW_BACKUP_MISSING: notFound('There is no such backup.', 'See forewarm backups for those that there are.'),
  FW_BACKUP_CORRUPT: refused(
    'The backup is not as it was written: truncated, altered, or fewer rows than it says. Nothing was restored.',
    'Use another one: forewarm backups lists them; look at the disk that this one lies on.',
  ),
  FW_BACKUP_FORMAT: refused(
    'The file is no backup of a format that this version reads.',
    'Use a version of Forewarm that is not older than the one that wrote it.',
  ),
  FW_BACKUP_OTHER_MODEL: refused(
    'The backup is of another model, or of one with other axes or outputs, than the configured one.',
    'Name the model with --model, or use the configuration that the backup was made with.',
  ),
  FW_BACKUP_TOO_OLD: refused('The backup is older than --max-age allows.', 'Use a newer one, or allow more.'),
  FW_BACKUP_INCOMPLETE: refused(
    'The backup lacks rows that the configuration asks for, so that it does not replace a generation that has them.',
    'Use another one, or publish what it has with --allow-incomplete.',
  ),
  FW_ALERT_NOT_SENT: unavailable(
    'A message of an alert was not taken by whom it was sent to; it is sent again until it is.',
    'Look at what the message says, mend the address under `alerts`, and try it with forewarm alerts test.',
  ),
  FW_SILENCE_UNKNOWN: notFound('There is no silence of that number, or it has ended.', 'See forewarm alerts.'),
  FW_BACKUP_FOLDER: input(
    'The folder of the backups does not exist or may not be used.',
    'Make it, mount it, or give this user the rights; or set backup.folder.',
  ),
  FW_BACKUP_WRITE_FAILED: internal(
    false,
    'A backup could not be written; nothing of it is left.',
    'Look at the disk of the folder: it may be full.',
  ),
  FW_BACKUP_NOT_AS_LIVE: internal(
    true,
    'A backup that was read back differs from the rows that it was made of; it was not kept.',
    'Nothing if it happens once; look at the memory and the disk of this machine if it goes on.',
  ),
  FW_BACKUP_CRASHED: internal(
    true,
    'The process of a backup or of a restore died; nothing half-written is left under the name of a backup.',
    'Look for an out-of-memory kill in the system log if it goes on.',
  ),
  FW_RESTORE_RUNNING: refused(
    'Another restore of this model runs.',
    'Wait for its end; one that was killed is forgotten within a minute.',
  ),
  FW_GATE_REFUSED: refused(
    'A gate of the model refuses the new generation: it is not finite, not complete, out of bounds or too far from the live one.',
    'Compare them with forewarm diff; if it is right, publish it with --force.',
  ),
  FW_GENERATION_UNKNOWN: notFound(
    'Nothing is kept of such a generation.',
    'See forewarm generations for those that there are; keepGenerations says how many are kept.',
  ),
  FW_GENERATION_INCOMPLETE: refused(
    'The generation lacks rows, so that readers would miss them.',
    'Go to another one, bring one back with forewarm restore, or allow it with --allow-incomplete.',
  ),
  FW_GENERATION_LIVE: refused('The generation is live already.', 'See forewarm generations.'),
  FW_GENERATIONS_DIFFER: refused(
    'Two generations have other axes or outputs, so that no value of one stands for one of the other.',
    'Compare two that have the same.',
  ),
  FW_MODEL_PINNED: refused(
    'An operator chose another generation than that of the model file, which therefore is not computed.',
    'Let the model file be published again with forewarm unpin.',
  ),
  FW_NOT_PINNED: refused('The model is not pinned, so there is nothing to unpin.', 'See forewarm status.'),

  // HTTP
  FW_HTTP_CROSS_SITE: refused(
    'A request was sent by a page of another site, or to another name than that of this listener.',
    'Open the page at the address that the log names, and send the request from there.',
  ),
  FW_HTTP_CONTENT_TYPE: input('The body of a request is not sent as JSON.', 'Send it as application/json.'),
  FW_HTTP_BAD_REQUEST: input('A request is not as the API describes it.', 'See /openapi.json, or /docs.'),
  FW_HTTP_UNAUTHORIZED: refused(
    'The request carries none of the tokens of http.tokens.',
    'Send one of them: `Authorization: Bearer TOKEN`.',
  ),
  FW_HTTP_FORBIDDEN: refused(
    'What changes something is not done for whoever asks: it needs a token, and none is configured.',
    'Set http.tokens, and send one of them as `Authorization: Bearer TOKEN`.',
  ),
  FW_HTTP_NOT_FOUND: notFound('There is nothing at this path.', 'See /openapi.json for what there is.'),
  FW_HTTP_METHOD: input('The path is there, and does not take this method.', 'Use one that the header Allow names.'),
  FW_HTTP_TOO_LARGE: input(
    'A request asks for more at once, or has a larger body, than is taken.',
    'Send it in parts, or raise http.maxBatch or http.maxBody.',
  ),
  FW_HTTP_RATE_LIMIT: unavailable(
    'The client has made more requests in this minute than http.rateLimit allows.',
    'Wait as long as Retry-After says, or ask for many predictions in one request.',
  ),
  FW_HTTP_TIME_LIMIT: unavailable(
    'The request did not arrive in full within http.requestTimeout.',
    'Send it faster, or raise http.requestTimeout.',
  ),
  FW_HTTP_READ_ONLY: refused(
    'The dashboard shows this and does not change it.',
    'Use the command line: see forewarm --help.',
  ),
  FW_PORT_IN_USE: refused('The HTTP port is taken by another process.', 'Set http.port, or stop the other process.'),

  // Embedded default
  FW_ALREADY_RUNNING: refused('Another forewarm up runs on this folder.', 'Stop it first, or use another folder.'),
  FW_BINARY_MISSING: refused('A server program that the embedded default needs is missing.', 'Install it as shown.'),
  FW_EMBEDDED_FAILED: internal(
    false,
    'An embedded server did not start or stopped by itself.',
    'Read the end of its log, which the message quotes.',
  ),
  FW_CHECK_FAILED: internal(
    false,
    'forewarm up --check did not see a complete first cycle.',
    'Read the log above it; the named cycle says what went wrong.',
  ),

  FW_INTERNAL: internal(false, 'Something failed that should not.', 'Please report it, with the log around it.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CATALOGUE, text);
}

export interface ForewarmErrorOptions {
  /** Facts for machines, never secrets: they go to logs, `--json` output and job results. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** What to do next, where it can be said better than in the catalogue. */
  readonly next?: string | undefined;
  readonly cause?: unknown;
}

/** An error of the catalogue. `message` names what was wrong and where; `next` says what to do. */
export class ForewarmError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly next: string;

  constructor(code: ErrorCode, message: string, options: ForewarmErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ForewarmError';
    this.code = code;
    this.details = options.details ?? {};
    this.next = options.next ?? ERROR_CATALOGUE[code].next;
  }

  get retryable(): boolean {
    return ERROR_CATALOGUE[this.code].retryable;
  }

  get exitCode(): number {
    return EXIT_CODES[ERROR_CATALOGUE[this.code].kind];
  }

  /** A plain object that survives process boundaries; `fromPlain` is its inverse. */
  toJSON(): PlainError {
    return { code: this.code, message: this.message, next: this.next, details: this.details };
  }

  static fromPlain(plain: PlainError): ForewarmError {
    return new ForewarmError(plain.code, plain.message, { details: plain.details, next: plain.next });
  }
}

export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly next: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** `error` itself when it is of the catalogue, otherwise wrapped under `code` with its message kept. */
export function asForewarmError(error: unknown, code: ErrorCode = 'FW_INTERNAL', where = ''): ForewarmError {
  if (error instanceof ForewarmError) return error;
  const message = messageOf(error);
  return new ForewarmError(code, where === '' ? message : `${where}: ${message}`, { cause: error });
}
