import type { Answer, Outcome, Question } from '#shared/predictor/answers';
import { Predictor } from '#shared/predictor/predictor';
import type { TierName } from '#shared/tiers/tier-name';
import { MODEL } from './deployment';
import { Questions } from './questions';
import { CONCURRENCIES, type ReadPath } from './read-path';
import { OUTPUT } from './synthetic-models';

/** Questions of one `predictMany`. */
export const MANY = 100;

const PATIENCE_MS = 60_000;

/** `predictor-memory` and `predictor-redis`, and both again with `-many`: a hundred questions in one call. */
export function predictorPaths(redisUrl: string, questions: Questions): ReadPath[] {
  // There is no tier below: a machine that is held up for a moment must not end the run.
  const patient = { limitsMs: { redis: PATIENCE_MS }, deadlineMs: PATIENCE_MS };
  return [
    ...pathsOf('memory', new Predictor({ redis: redisUrl, ...patient }), questions),
    ...pathsOf('redis', new Predictor({ redis: redisUrl, ...patient, memory: false }), questions),
  ];
}

function pathsOf(tier: TierName, predictor: Predictor, questions: Questions): ReadPath[] {
  const name = `predictor-${tier}`;
  const predictionOf = (answer: Answer): number | undefined => {
    if (answer.tier !== tier) throw new Error(`${name} was answered from ${answer.tier}`);
    return answer.values[OUTPUT];
  };
  const one: ReadPath<Answer> = {
    ...{ name, concurrencies: CONCURRENCIES, perCall: 1 },
    ask: (place) => {
      const { category, coordinates } = questions.at(place);
      return predictor.predict(MODEL, category, coordinates);
    },
    valuesOf: (answer) => [predictionOf(answer)],
    ...(tier === 'memory' && { prepare: () => hold(predictor, questions) }),
    close: () => predictor.close(),
  };
  const lists = questionLists(questions);
  const many: ReadPath<Outcome[]> = {
    ...{ name: `${name}-many`, concurrencies: CONCURRENCIES, perCall: MANY },
    ask: (place) => predictor.predictMany(lists[Math.floor(place / MANY) % lists.length] as readonly Question[]),
    valuesOf: (outcomes) =>
      outcomes.map((outcome) => {
        if (outcome.status === 'rejected') throw outcome.reason;
        return predictionOf(outcome.value);
      }),
    ...(tier === 'memory' && { prepare: () => hold(predictor, questions) }),
    // The predictor is closed with the path above.
    close: async () => undefined,
  };
  return [one as ReadPath, many as ReadPath];
}

/** All rows in memory, and none so old that a read would look for a newer one. */
async function hold(predictor: Predictor, questions: Questions): Promise<void> {
  const asked = questions.all.map(({ category, coordinates }) => ({ model: MODEL, category, coordinates }));
  await predictor.predictMany(asked);
}

/** Made beforehand, as those of an application come from elsewhere. */
function questionLists(questions: Questions): Question[][] {
  const wanted = Math.floor(Questions.LENGTH / MANY);
  return Array.from({ length: wanted }, (_, list) =>
    Array.from({ length: MANY }, (_, i) => {
      const { category, coordinates } = questions.at(list * MANY + i);
      return { model: MODEL, category, coordinates };
    }),
  );
}
