import type { JobContext } from '#jobs/context';
import type { Answerable } from '../../answerable';
import type { Reader } from '../../reader';
import type { Readiness } from '../listener';
import type { Tokens } from '../tokens';

/** What the API works with. */
export interface ApiParts {
  readonly predictor: Reader;
  readonly answerable: Answerable;
  readonly context: Pick<JobContext, 'config' | 'enqueue' | 'models' | 'log' | 'cache'>;
  /** Of processes that compute. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly tokens: Tokens;
  /** Whether pages for the operator ask for a token. */
  readonly operatorsOnly: boolean;
  readonly readiness: () => Promise<Readiness>;
  /** Whether the Redis of the queues can be asked now: a queue that is used before waits for ever. */
  readonly queueReady: () => boolean;
}
