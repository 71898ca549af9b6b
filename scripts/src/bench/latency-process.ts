/** A process that reads at a steady rate and tells how long reads took. Started by `LatencyReader`. */
import { setTimeout as delay } from 'node:timers/promises';
import { Predictor } from '#shared/predictor/predictor';
import { MODEL } from './deployment';
import { categoryNames, DAYS, HOURS } from './grid';
import type { LatencyAnswer, LatencyOrder, LatencyTask } from './latency-reader';
import { OpenLoop } from './open-loop';
import { randomNumbers } from './random-numbers';
import { quantile } from './statistics';

let predictor: Predictor | undefined;
let names: readonly string[] = [];
let perSecond = 0;
const random = randomNumbers(5);

function begin({ redisUrl, categories, readsPerSecond }: LatencyTask): void {
  predictor = new Predictor({ redis: redisUrl, memory: false });
  names = categoryNames(categories);
  perSecond = readsPerSecond;
}

/** Reads for so long; a read counts from when it was due, so that one that is asked late is not flattered. */
async function window(ms: number): Promise<LatencyAnswer> {
  const reader = predictor;
  if (reader === undefined) throw new Error('not begun');
  const tookMs: number[] = [];
  const pending = new Set<Promise<unknown>>();
  let failed = 0;
  const loop = new OpenLoop(perSecond, (dueMs) => {
    const category = names[Math.floor(random() * names.length)] ?? '';
    const coordinates = { day: Math.floor(random() * DAYS), hour: Math.floor(random() * HOURS) };
    const read = reader.predict(MODEL, category, coordinates).then(
      () => tookMs.push(performance.now() - dueMs),
      () => failed++,
    );
    pending.add(read);
    read.finally(() => pending.delete(read));
  });
  await delay(ms);
  loop.stop();
  await Promise.all(pending);
  return { reads: tookMs.length, failed, p99Ms: tookMs.length === 0 ? Number.NaN : quantile(tookMs, 0.99) };
}

process.on('message', (order: LatencyOrder) => {
  if ('begin' in order) begin(order.begin);
  const answered = 'windowMs' in order ? window(order.windowMs) : Promise.resolve({ reads: 0, failed: 0, p99Ms: 0 });
  answered.then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => {
  const closed = predictor?.close() ?? Promise.resolve();
  closed.finally(() => process.exit());
});
