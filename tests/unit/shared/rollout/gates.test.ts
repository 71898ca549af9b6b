import { GateKeeper, type GateSettings, refusalText, worstText } from '#shared/rollout/gates';

const shape = {
  axes: [
    { name: 'day', values: [0, 1] },
    { name: 'hour', values: [6, 12] },
  ],
  outputs: ['low', 'high'],
};
const NONE: GateSettings = { bounds: undefined, maxDrift: undefined };
/** Values of one row: two outputs in each of four cells. */
const row = (...values: number[]) => Float32Array.from({ length: 8 }, (_, i) => values[i] ?? values.at(-1) ?? 0);
const keeperOf = (settings: Partial<GateSettings> = {}) => new GateKeeper(shape, { ...NONE, ...settings });

test('what is finite and complete passes where nothing else is asked, however far it is', () => {
  const keeper = keeperOf();
  keeper.add('a', row(1_000), row(1));
  expect(keeper.report()).toMatchObject({
    passed: true,
    refusals: [],
    figures: {
      expected: 1,
      missing: 0,
      values: 8,
      notFinite: 0,
      outOfBounds: 0,
      compared: 8,
      meanChange: 999,
      changedShare: 1,
    },
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%s is refused, with its cell', (value) => {
  const keeper = keeperOf();
  keeper.add('a', row(1), undefined);
  keeper.add('b', row(1, 1, 1, value, 1), row(2));
  const report = keeper.report();
  expect(refusalText(report)).toBe('gate finite: 1 value is not finite');
  expect(report.worst).toEqual([{ category: 'b', cell: 'day=0 hour=12', output: 'high', value: null, live: 2 }]);
  expect(report.worst.map(worstText)).toEqual(['"b" day=0 hour=12: high not finite, live 2']);
});

test('rows that are missing are counted, and the first are named', () => {
  const keeper = keeperOf();
  keeper.add('a', row(1), undefined);
  for (const category of ['b', 'c "x"', 'd', 'e']) keeper.lacks(category);
  const report = keeper.report();
  expect(report.passed).toBe(false);
  expect(refusalText(report)).toBe('gate coverage: 4 rows of 5 missing: "b", "c \\"x\\"", "d", ...');
});

test('bounds hold for all outputs, or for each by its name, both ends included', () => {
  const both = keeperOf({ bounds: { min: 0, max: 10 } });
  both.add('a', row(0, 10, 5), undefined);
  expect(both.report().passed).toBe(true);
  both.add('b', row(-0.5, 10.5, 30, 5), undefined);
  expect(refusalText(both.report())).toBe('gate bounds: 3 values are outside of 0 to 10');
  // The furthest first.
  expect(both.report().worst.map(({ value }) => value)).toEqual([30, -0.5, 10.5]);

  const named = keeperOf({ bounds: { high: { max: 1 } } });
  named.add('a', row(5, 1, 5, 2, 5, 1, 5, 1), undefined);
  const report = named.report();
  expect(refusalText(report)).toBe('gate bounds: 1 value is outside of low -∞ to ∞, high -∞ to 1');
  expect(report.worst).toMatchObject([{ cell: 'day=0 hour=12', output: 'high', value: 2 }]);
});

test('drift is the sum of all changes by the sum of all that is live, and the share outside of the band', () => {
  const add = (settings: Partial<GateSettings>) => {
    const keeper = keeperOf(settings);
    keeper.add('a', row(10, 10, 10, 10, 10, 10, 10, 18), row(10));
    keeper.add('b', row(10), row(10));
    return keeper.report();
  };
  expect(add({}).figures).toMatchObject({ compared: 16, meanChange: 8 / 160, changedShare: 1 / 16 });
  expect(add({ maxDrift: { mean: 0.05, band: 0.5 } }).passed).toBe(true);
  expect(refusalText(add({ maxDrift: { mean: 0.049, band: 0.5 } }))).toBe(
    'gate drift: the mean relative change is 5 %, more than 4.9 %',
  );
  expect(refusalText(add({ maxDrift: { share: 0.06, band: 0.5 } }))).toBe(
    'gate drift: 6.25 % of the values changed by more than 50 %; allowed are 6 %',
  );
  // 8 more than 10 is within a band of 80 %.
  expect(add({ maxDrift: { share: 0, band: 0.8 } }).passed).toBe(true);
});

test('a value near zero is held to the mean of its row', () => {
  const keeper = keeperOf({ maxDrift: { share: 0, band: 0.5 } });
  keeper.add('a', row(0.001, 0.002, 10), row(0.0001, 0.1, 10));
  expect(keeper.report().passed).toBe(true);
});

test('what was 0 everywhere and is not any more has drifted endlessly; what stayed 0 has not', () => {
  const limits = { maxDrift: { mean: 1_000, band: 0.5 } };
  const still = keeperOf(limits);
  still.add('a', row(0), row(0));
  expect(still.report()).toMatchObject({ passed: true, figures: { meanChange: 0 } });
  const moved = keeperOf(limits);
  moved.add('a', row(0, 1), row(0));
  expect(moved.report().passed).toBe(false);
});

test('with nothing live, or of another shape, there is nothing to drift from', () => {
  const keeper = keeperOf({ maxDrift: { mean: 0, share: 0, band: 0 } });
  keeper.add('a', row(1), undefined);
  expect(keeper.report()).toMatchObject({
    passed: true,
    figures: { compared: 0, meanChange: null, changedShare: null },
  });
});

test('five cells are named, those that changed most where only the drift speaks', () => {
  const keeper = keeperOf({ maxDrift: { mean: 0, band: 0.5 } });
  for (let i = 0; i < 20; i++) keeper.add(`c${i}`, row(1 + i, 1), row(1));
  expect(keeper.report().worst.map(({ category, value, live }) => [category, value, live])).toEqual([
    ['c19', 20, 1],
    ['c18', 19, 1],
    ['c17', 18, 1],
    ['c16', 17, 1],
    ['c15', 16, 1],
  ]);
});

test('values that were never stored because of it speak too', () => {
  const keeper = keeperOf();
  keeper.add('a', row(1), row(1));
  keeper.lacks('b');
  keeper.refused('b', 6, Number.NaN);
  const report = keeper.report();
  expect(report.refusals.map(({ gate }) => gate)).toEqual(['finite', 'coverage']);
  expect(report.worst).toMatchObject([
    { category: 'b', cell: 'day=1 hour=12', output: 'low', value: null, live: null },
  ]);
});
