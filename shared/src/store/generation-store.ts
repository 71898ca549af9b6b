import type { Pool } from 'pg';
import { query } from '../connections/postgres';
import { identityDocument } from '../model/identity';
import type { ModelSpec } from '../model/spec';

export interface GenerationRecord {
  readonly model: string;
  readonly id: string;
  readonly state: 'warming' | 'live' | 'previous' | 'dropped';
  readonly modelVersion: string;
  readonly createdAt: Date;
  readonly publishedAt: Date | null;
}

/** Which generations a model has had, and what made each of them. */
export class GenerationStore {
  private readonly pool: Pool;

  constructor(pool: Pool) {
    this.pool = pool;
  }

  /** Records a generation that is about to be warmed; one that is known keeps its state, a dropped one warms again. */
  async begin(spec: ModelSpec): Promise<void> {
    await query(
      this.pool,
      `INSERT INTO forewarm.generation AS old (model, id, state, identity, identity_parts, model_version)
       VALUES ($1, $2, 'warming', $3, $4, $5)
       ON CONFLICT (model, id) DO UPDATE SET
         state = CASE old.state WHEN 'dropped' THEN 'warming' ELSE old.state END,
         model_version = excluded.model_version`,
      [spec.name, spec.generation, spec.identity, identityDocument(spec), spec.modelVersion],
      `recording generation ${spec.generation} of ${spec.name}`,
    );
  }

  /** Makes the states agree with what was published: one live, at most one previous, the others dropped. */
  async published(model: string, live: string, previous: string | null, at: Date): Promise<void> {
    await query(
      this.pool,
      `UPDATE forewarm.generation SET
         state = CASE WHEN id = $2 THEN 'live' WHEN id = $3 THEN 'previous'
                      WHEN state = 'warming' THEN 'warming' ELSE 'dropped' END,
         published_at = CASE WHEN id = $2 AND state <> 'live' THEN $4 ELSE published_at END
       WHERE model = $1`,
      [model, live, previous, at],
      `recording the publishing of ${live} of ${model}`,
    );
  }

  async list(model: string): Promise<GenerationRecord[]> {
    const { rows } = await query<{
      id: string;
      state: GenerationRecord['state'];
      model_version: string;
      created_at: Date;
      published_at: Date | null;
    }>(
      this.pool,
      `SELECT id, state, model_version, created_at, published_at FROM forewarm.generation
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
    }));
  }
}
