/** One process of the floor: computes its share of the grid each time it is asked. Started by `Floor`. */
import { BareGrid } from './bare-grid';
import type { FloorAnswer, FloorTask } from './floor';

const say = (answer: FloorAnswer): void => void process.send?.(answer);
const [, , model = ''] = process.argv;

BareGrid.open(model).then((grid) => {
  process.on('message', ({ from, to }: FloorTask) => {
    const categories = Array.from({ length: to - from }, (_, i) => from + i + 1);
    void grid.compute(categories).then((values) => say({ values }));
  });
  say({ values: 0 });
});
process.on('disconnect', () => process.exit());
