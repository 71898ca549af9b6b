import { gridsOf } from '#workers/http/api/rows';

test('the grid of each output is a list for each axis, one in the other', () => {
  const axes = [
    { name: 'day', values: ['mon', 'tue'] },
    { name: 'hour', values: [1, 2, 3] },
  ];
  const values = Float32Array.from([1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6]);
  expect(gridsOf({ axes, outputs: ['up', 'down'], values })).toEqual({
    up: [
      [1, 2, 3],
      [4, 5, 6],
    ],
    down: [
      [-1, -2, -3],
      [-4, -5, -6],
    ],
  });
});

test('one axis, and three', () => {
  const axis = (name: string, length: number) => ({ name, values: Array.from({ length }, (_, i) => i) });
  expect(gridsOf({ axes: [axis('a', 2)], outputs: ['y'], values: Float32Array.of(1, 2) })).toEqual({ y: [1, 2] });
  const axes = [axis('a', 2), axis('b', 1), axis('c', 2)];
  expect(gridsOf({ axes, outputs: ['y'], values: Float32Array.of(1, 2, 3, 4) })).toEqual({ y: [[[1, 2]], [[3, 4]]] });
});
