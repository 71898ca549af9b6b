/** The process of the readers. Started by `SteadyLoad`. */
import { ReaderLoad } from './reader-load';
import type { LoadAnswer, LoadOrder } from './steady-load';

const say = (answer: LoadAnswer): void => void process.send?.(answer);
let load: ReaderLoad | undefined;

async function follow(order: LoadOrder): Promise<LoadAnswer> {
  if ('begin' in order) load = await ReaderLoad.begin(order.begin, order.phase);
  else if ('phase' in order) load?.enter(order.phase);
  else return { phases: (await load?.end()) ?? [] };
  return {};
}

process.on('message', (order: LoadOrder) => {
  follow(order).then(say, (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
});
process.on('disconnect', () => {
  const closed = load?.close() ?? Promise.resolve();
  closed.finally(() => process.exit());
});
