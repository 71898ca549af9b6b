import { z } from 'zod';
import type { Axis } from '../cache/grid';
import { query, type Statements } from '../connections/postgres';
import { ForewarmError } from '../errors';
import { identityDocument } from '../model/identity';
import type { ModelSpec } from '../model/spec';
import type { GateReport } from '../rollout/gates';

export interface GenerationRecord {
  readonly model: string;
  readonly id: string;
  readonly state: 'warming' | 'live' | 'previous' | 'retiring' | 'dropped';
  readonly modelVersion: string;
  readonly createdAt: Date;
  readonly publishedAt: Date | null;
  /** What its gates said, where they refuse it. */
  readonly refusal: GateReport | null;
}

/** The generation whose rows readers are given, with what is needed to find a cell in them. */
export interface LiveRecord {
  readonly id: string;
  /** SHA-256 of the identity document, 64 hexadecimal digits. */
  readonly identity: string;
  readonly modelVersion: string;
  readonly axes: readonly Axis[];
  readonly outputs: readonly string[];
  /** `null` when Postgres was not told. */
  readonly publishedAt: Date | null;
  /** The generation of the model file, which stays away because an operator chose this one; `null` when nobody did. */
  readonly pinnedOver: string | null;
}

/** A generation that comes from a backup. */
export interface Restored {
  readonly model: string;
  readonly id: string;
  /** 64 hexadecimal digits. */
  readonly identity: string;
  readonly axes: readonly Axis[];
  readonly outputs: readonly string[];
  readonly modelVersion: string;
}

/** What readers need of `identityDocument`. */
const identityParts = z.object({
  axes: z.array(z.object({ name: z.string(), values: z.array(z.union([z.number(), z.string()])).min(1) })),
  outputs: z.array(z.string()).min(1),
});

/** Which generations a model has had, and what made each of them. */
export class GenerationStore {
  private readonly pool: Statements;

  constructor(pool: Statements) {
    this.pool = pool;
  }

  /**
   * Records a generation that is about to be warmed; one that is known keeps its state, a dropped one warms again.
   * @param liveSince when it was published, for the one that is live: Postgres may have been away then
   */
  async begin(spec: ModelSpec, liveSince: Date | null): Promise<void> {
    await query(
      this.pool,
      `INSERT INTO forewarm.generation AS old (model, id, state, identity, identity_parts, model_version, published_at)
       VALUES ($1, $2, CASE WHEN $6::timestamptz IS NULL THEN 'warming' ELSE 'live' END, $3, $4, $5, $6)
       ON CONFLICT (model, id) DO UPDATE SET
         state = CASE WHEN excluded.state = 'live' THEN 'live' WHEN old.state = 'dropped' THEN 'warming' ELSE old.state END,
         published_at = coalesce(old.published_at, excluded.published_at),
         model_version = excluded.model_version`,
      [spec.name, spec.generation, spec.identity, identityDocument(spec), spec.modelVersion, liveSince],
      `recording generation ${spec.generation} of ${spec.name}`,
    );
  }

  /** Records a generation that is about to be restored, of which no more is known than what readers need. */
  async beginRestored(generation: Restored): Promise<void> {
    const { model, id, identity, axes, outputs, modelVersion } = generation;
    await query(
      this.pool,
      `INSERT INTO forewarm.generation AS old (model, id, state, identity, identity_parts, model_version)
       VALUES ($1, $2, 'warming', $3, $4, $5)
       ON CONFLICT (model, id) DO UPDATE SET state = CASE WHEN old.state = 'dropped' THEN 'warming' ELSE old.state END`,
      [model, id, identity, JSON.stringify({ format: 1, axes, outputs }), modelVersion],
      `recording generation ${id} of ${model}`,
    );
  }

  /** Ends the pin of a model: its file may be published again. */
  async unpinned(model: string): Promise<void> {
    const what = `recording that ${model} is no longer pinned`;
    await query(this.pool, 'UPDATE forewarm.generation SET pinned_over = NULL WHERE model = $1', [model], what);
  }

  /**
   * Makes the states agree with what was published: one live, at most one previous, those that were it before retiring.
   * @param pinnedOver the generation of the model file, where an operator chose `live` over it
   */
  async published(
    model: string,
    live: string,
    previous: string | null,
    at: Date,
    pinnedOver: string | null = null,
  ): Promise<void> {
    await query(
      this.pool,
      `UPDATE forewarm.generation SET
         state = CASE WHEN id = $2 THEN 'live' WHEN id = $3 THEN 'previous'
                      WHEN state IN ('live', 'previous') THEN 'retiring' ELSE state END,
         published_at = CASE WHEN id = $2 AND state <> 'live' THEN $4 ELSE published_at END,
         pinned_over = CASE WHEN id = $2 THEN $5 END
       WHERE model = $1`,
      [model, live, previous, at, pinnedOver],
      `recording the publishing of ${live} of ${model}`,
    );
  }

  /** Records what the gates of a generation said; `null` when they refuse it no longer. */
  async refused(model: string, id: string, report: GateReport | null): Promise<void> {
    await query(
      this.pool,
      'UPDATE forewarm.generation SET gate_results = $3 WHERE model = $1 AND id = $2',
      [model, id, report === null ? null : JSON.stringify(report)],
      `recording what the gates said of ${id} of ${model}`,
    );
  }

  /** Records that nothing of a generation is kept any longer. */
  async dropped(model: string, id: string): Promise<void> {
    const what = `recording the end of generation ${id} of ${model}`;
    await query(
      this.pool,
      `UPDATE forewarm.generation SET state = 'dropped' WHERE model = $1 AND id = $2`,
      [model, id],
      what,
    );
  }

  /** When something of each model was first published, as far as Postgres was told. */
  async firstPublished(): Promise<ReadonlyMap<string, Date>> {
    const { rows } = await query<{ model: string; at: Date }>(
      this.pool,
      'SELECT model, min(published_at) AS at FROM forewarm.generation WHERE published_at IS NOT NULL GROUP BY model',
      [],
      'reading when models were first published',
    );
    return new Map(rows.map(({ model, at }) => [model, at]));
  }

  /** Those of which something is kept, newest first. */
  async list(model: string): Promise<GenerationRecord[]> {
    const { rows } = await query<{
      id: string;
      state: GenerationRecord['state'];
      model_version: string;
      created_at: Date;
      published_at: Date | null;
      refusal: GateReport | null;
    }>(
      this.pool,
      `SELECT id, state, model_version, created_at, published_at, gate_results AS refusal FROM forewarm.generation
       WHERE model = $1 AND state <> 'dropped' ORDER BY created_at DESC`,
      [model],
      `reading the generations of ${model}`,
    );
    return rows.map((row) => ({
      model,
      id: row.id,
      state: row.state,
      modelVersion: row.model_version,
      createdAt: row.created_at,
      publishedAt: row.published_at,
      refusal: row.refusal,
    }));
  }
  /**
   * The one that was published last, as far as Postgres was told.
   * @throws ForewarmError FW_POSTGRES_UNAVAILABLE, also when what is recorded is not understood
   */
  live(model: string): Promise<LiveRecord | undefined> {
    const which = `state = 'live' ORDER BY published_at DESC NULLS LAST LIMIT 1`;
    return this.record(model, which, [], `reading the live generation of ${model}`);
  }

  /**
   * A generation of which something is kept.
   * @throws ForewarmError FW_POSTGRES_UNAVAILABLE, also when what is recorded is not understood
   */
  find(model: string, id: string): Promise<LiveRecord | undefined> {
    return this.record(model, `id = $2 AND state <> 'dropped'`, [id], `reading generation ${id} of ${model}`);
  }

  private async record(
    model: string,
    which: string,
    parameters: readonly string[],
    what: string,
  ): Promise<LiveRecord | undefined> {
    const { rows } = await query<{
      id: string;
      identity: string;
      model_version: string;
      identity_parts: unknown;
      published_at: Date | null;
      pinned_over: string | null;
    }>(
      this.pool,
      `SELECT id, identity, model_version, identity_parts, published_at, pinned_over FROM forewarm.generation
       WHERE model = $1 AND ${which}`,
      [model, ...parameters],
      what,
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    const parts = identityParts.safeParse(row.identity_parts);
    if (!parts.success) {
      const where = `forewarm.generation: identity_parts of ${row.id} of ${model}`;
      throw new ForewarmError('FW_POSTGRES_UNAVAILABLE', `${where} is not understood: ${parts.error.message}`, {
        next: 'Use a version of Forewarm that is not older than the daemon.',
      });
    }
    const { id, identity, model_version: modelVersion, published_at: publishedAt, pinned_over: pinnedOver } = row;
    return { id, identity, modelVersion, ...parts.data, publishedAt, pinnedOver };
  }
}
