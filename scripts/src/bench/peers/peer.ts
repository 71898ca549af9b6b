import type { AskedCell, Questions } from '../questions';
import { CONCURRENCIES, type ReadPath } from '../read-path';

/** What an application would put into a cache that knows nothing of rows, under one key for each prediction. */
export interface CachedPrediction {
  readonly prediction: number;
  /** ISO 8601 UTC. */
  readonly computedAt: string;
}

/** A cache of somebody else, in one of the two states in which it is measured. */
export interface Peer {
  /** Such as `bentocache-memory`. */
  readonly name: string;
  set(key: string, value: CachedPrediction): Promise<unknown>;
  get(key: string): Promise<CachedPrediction | undefined | null>;
  close(): Promise<unknown>;
}

/** Keys that are set at a time. */
const SET_AT_A_TIME = 64;

/** A peer that has the answers to all questions. */
export async function peerPath(
  peer: Peer,
  questions: Questions,
): Promise<ReadPath<CachedPrediction | undefined | null>> {
  const computedAt = new Date().toISOString();
  const set = ({ key, value }: AskedCell): Promise<unknown> => peer.set(key, { prediction: value, computedAt });
  for (let from = 0; from < questions.all.length; from += SET_AT_A_TIME) {
    await Promise.all(questions.all.slice(from, from + SET_AT_A_TIME).map(set));
  }
  return {
    ...{ name: peer.name, concurrencies: CONCURRENCIES, perCall: 1 },
    ask: (place) => peer.get(questions.at(place).key),
    valuesOf: (answer) => [answer?.prediction],
    close: async () => {
      await peer.close();
    },
  };
}
