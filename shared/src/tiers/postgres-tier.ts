import type { Pool } from 'pg';
import { categoryFault } from '../cache/keys';
import { rowByteLength } from '../cache/row';
import { BoundedStatements } from '../connections/bounded-statements';
import { ForewarmError } from '../errors';
import { GenerationStore } from '../store/generation-store';
import { RowStore, rowsPerStatement } from '../store/row-store';
import { sortRow } from './check-row';
import { type Gathered, Gatherer } from './gatherer';
import { liveGeneration } from './live-generation';
import type { CorruptRow, FoundRow, LiveGeneration, Published, Tier, TierRows } from './tier';

export interface PostgresTierOptions {
  /** What the keys of the deployment begin with. */
  readonly keyPrefix: string;
  /** What a statement may take, with the wait for a connection, before its connection is closed. */
  readonly limitMs: number;
}

const STATEMENTS_IN_FLIGHT = 2;
/** A bound against running out of memory; callers give up long before. */
const MAX_WAITING = 100_000;

/** `undefined_table`, `invalid_schema_name`, `undefined_column`. */
const NOT_MIGRATED = ['42P01', '3F000', '42703'];

/** The durable copy of rows. To read, its user needs `USAGE` on the schema and `SELECT` on two tables. */
export class PostgresTier implements Tier {
  readonly name = 'postgres';
  private readonly keyPrefix: string;
  private readonly statements: BoundedStatements;
  private readonly rows: RowStore;
  private readonly generations: GenerationStore;
  private readonly requests: Gatherer<LiveGeneration, FoundRow | CorruptRow>;
  private closed = false;

  /** @param pool stays the caller's; `close` leaves it open */
  constructor(pool: Pool, { keyPrefix, limitMs }: PostgresTierOptions) {
    const statements = new BoundedStatements(pool, limitMs);
    this.statements = statements;
    this.keyPrefix = keyPrefix;
    this.rows = new RowStore(statements);
    this.generations = new GenerationStore(statements);
    this.requests = new Gatherer({
      inFlight: STATEMENTS_IN_FLIGHT,
      maxWaiting: MAX_WAITING,
      maxKeys: rowsOfOneStatement,
      nameOf: ({ model, generation }) => `${model}:${generation}`,
      fetch: (live, categories) => this.fetch(live, categories),
    });
  }

  /** @throws ForewarmError FW_POSTGRES_UNAVAILABLE, FW_READER_BUSY, FW_READER_CLOSED */
  async read(live: LiveGeneration, categories: readonly string[]): Promise<TierRows> {
    // One that cannot be stored is not there; the server would refuse the statement, and others are in it.
    const possible = categories.filter((category) => categoryFault(category) === undefined);
    const rows = { found: [] as FoundRow[], corrupt: [] as CorruptRow[] };
    for (const row of (await this.requests.get(live, possible)).values()) {
      if ('fault' in row) rows.corrupt.push(row);
      else rows.found.push(row);
    }
    return rows;
  }

  /**
   * What is live of a model, `undefined` when nothing was published as far as PostgreSQL knows.
   * @throws ForewarmError FW_POSTGRES_UNAVAILABLE, FW_READER_CLOSED
   */
  async published(model: string): Promise<Published | undefined> {
    if (this.closed) throw closedError();
    const record = await explained(this.generations.live(model));
    if (record === undefined) return undefined;
    const { id, publishedAt, ...facts } = record;
    const published = { ...facts, model, generation: id, publishedAt: publishedAt?.toISOString() };
    return { live: liveGeneration(this.keyPrefix, published) };
  }

  /** @throws ForewarmError FW_POSTGRES_UNAVAILABLE */
  async fill(live: LiveGeneration, rows: readonly FoundRow[]): Promise<void> {
    const stored = rows.map(({ category, row: { bytes, computedAtMs } }) => ({
      ...{ category, bytes, computedAtMs },
      // Whose inputs are tracked computes a row once more when it has to be restored.
      inputs: undefined,
    }));
    await this.rows.upsert(live.model, live.generation, stored, Date.now());
  }

  /** Waits for reads under way, which are bounded in time. */
  async close(): Promise<void> {
    this.closed = true;
    await this.requests.close(closedError());
    this.statements.close();
  }

  private async fetch(live: LiveGeneration, categories: readonly string[]): Promise<Gathered<FoundRow | CorruptRow>> {
    const stored = await explained(this.rows.read(live.model, live.generation, categories));
    const into = { found: [] as FoundRow[], corrupt: [] as CorruptRow[] };
    for (const { category, bytes } of stored) sortRow(live, category, bytes, into);
    return { values: new Map([...into.found, ...into.corrupt].map((row) => [row.category, row])) };
  }
}

function rowsOfOneStatement({ cells, outputs }: LiveGeneration): number {
  return rowsPerStatement(rowByteLength({ cells, outputs: outputs.length }));
}

function closedError(): ForewarmError {
  return new ForewarmError('FW_READER_CLOSED', 'the reader of PostgreSQL was closed');
}

/** A database without the tables says so in words of SQL. */
async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (
      !(error instanceof ForewarmError) ||
      !NOT_MIGRATED.includes(String((error.cause as { code?: unknown })?.code))
    ) {
      throw error;
    }
    throw new ForewarmError('FW_POSTGRES_UNAVAILABLE', `the tables of Forewarm are not there: ${error.message}`, {
      next: 'Start a daemon on this database, which makes its tables, or check postgres.url.',
      cause: error.cause,
    });
  }
}
