import type { Command } from 'commander';
import { ModelCache } from '#shared/cache/model-cache';
import type { ModelConfig } from '#shared/config/types';
import { refusalText } from '#shared/rollout/gates';
import { type GenerationRecord, GenerationStore } from '#shared/store/generation-store';
import { formatMoment } from '../../elapsed';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { type Column, tableLines } from '../table';
import { withPostgres } from '../with-postgres';
import { withRedis } from '../with-redis';

interface Shown extends GenerationRecord {
  readonly shownAs: 'live' | 'previous' | 'kept' | 'warming' | 'refused';
  /** Rows in Redis. */
  readonly rows: number;
  readonly pinned: boolean;
}

export function addGenerations(program: Command): void {
  addFolder(program.command('generations'))
    .description('what a model has had live and keeps, newest first, and what its gates refuse')
    .option('--model <name>', 'only this model')
    .action((options: { readonly model?: string }, command: Command) => run(new Invocation(command), options.model));
}

async function run(invocation: Invocation, name: string | undefined): Promise<void> {
  const config = invocation.configToLook();
  const models = name === undefined ? config.models : [chooseModel(config, name)];
  const found = await withPostgres(config, 'what is known of generations lives in PostgreSQL', (pool) =>
    withRedis(config.redis.cacheUrl, async (redis) => {
      const store = new GenerationStore(pool);
      const look = async (model: ModelConfig): Promise<Shown[]> => {
        const cache = new ModelCache(redis, config.keyPrefix, model.name);
        const [live, known] = await Promise.all([cache.pointer(), store.list(model.name)]);
        return Promise.all(
          known.map(async (record) => ({
            ...record,
            shownAs: stateOf(record, live?.generation, live?.previous ?? undefined),
            rows: await cache.indexSize(record.id),
            pinned: live?.generation === record.id && live.pinnedOver !== undefined,
          })),
        );
      };
      return (await Promise.all(models.map(look))).flat();
    }),
  );
  const document = found.map(({ shownAs, state: _, ...generation }) => ({ ...generation, state: shownAs }));
  invocation.answer(document, () => {
    if (found.length === 0) return 'No generation is known yet: a daemon has not begun a cycle.';
    const columns = models.length > 1 ? COLUMNS : COLUMNS.filter(({ head }) => head !== 'model');
    return tableLines(found, columns, invocation, ({ refusal, shownAs }) =>
      refusal === null || shownAs !== 'refused' ? null : refusalText(refusal),
    ).join('\n');
  });
}

/** The pointer is what readers follow; Postgres may not have heard of it yet. */
function stateOf(record: GenerationRecord, live: string | undefined, previous: string | undefined): Shown['shownAs'] {
  if (record.id === live) return 'live';
  if (record.id === previous) return 'previous';
  if (record.refusal !== null) return 'refused';
  return record.publishedAt === null ? 'warming' : 'kept';
}

const COLUMNS: readonly Column<Shown>[] = [
  { head: 'generation', cell: ({ id }) => id },
  { head: 'model', cell: ({ model }) => model },
  { head: 'state', cell: ({ shownAs, pinned }) => (pinned ? `${shownAs}, pinned` : shownAs) },
  { head: 'model version', cell: ({ modelVersion }) => modelVersion },
  { head: 'rows', cell: ({ rows }) => rows.toLocaleString('en'), right: true },
  { head: 'first seen (UTC)', cell: ({ createdAt }) => formatMoment(createdAt), spare: 1 },
  {
    head: 'published (UTC)',
    cell: ({ publishedAt }) => (publishedAt === null ? '' : formatMoment(publishedAt)),
    spare: 2,
  },
];
