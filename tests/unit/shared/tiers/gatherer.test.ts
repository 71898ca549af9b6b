import fc from 'fast-check';
import { ForewarmError } from '#shared/errors';
import { type Gathered, Gatherer, type GathererOptions } from '#shared/tiers/gatherer';

interface Request {
  readonly group: string;
  readonly keys: readonly string[];
  /** With the values of these keys, all of them when left out, each `GROUP/KEY`. */
  answer(keys?: readonly string[]): void;
  fail(error: Error): void;
  promise(late: ReadonlyMap<string, Promise<string | undefined>>): void;
}

/** Until everything that was settled has been heard of. */
const turn = () => new Promise(setImmediate);

function gatherer(more: Partial<GathererOptions<string, string>> = {}) {
  const requests: Request[] = [];
  const gather = new Gatherer<string, string>({
    inFlight: 1,
    maxKeys: () => 3,
    maxWaiting: 100,
    nameOf: (group) => group,
    fetch: (group, keys) =>
      new Promise<Gathered<string>>((resolve, reject) => {
        const answer = (known: readonly string[] = keys) =>
          resolve({ values: new Map(known.map((key) => [key, `${group}/${key}`])) });
        requests.push({ group, keys, answer, fail: reject, promise: (late) => resolve({ values: new Map(), late }) });
      }),
    ...more,
  });
  return { gather, requests, asked: () => requests.map(({ group, keys }) => `${group}: ${keys.join(' ')}`) };
}

test('the first call goes at once, those that come meanwhile go together in the next', async () => {
  const { gather, requests, asked } = gatherer();
  const calls = ['a', 'b', 'c', 'd', 'e'].map((key) => gather.get('g', [key]));
  expect(asked()).toEqual(['g: a']);
  expect(gather.waiting).toBe(4);
  requests[0]?.answer();
  await turn();
  expect(asked()).toEqual(['g: a', 'g: b c d']);
  requests[1]?.answer();
  await turn();
  requests[2]?.answer();
  expect(asked()).toEqual(['g: a', 'g: b c d', 'g: e']);
  expect(await Promise.all(calls)).toEqual(['a', 'b', 'c', 'd', 'e'].map((key) => new Map([[key, `g/${key}`]])));
  expect(gather.waiting).toBe(0);
});

test('a key that is waiting or under way is asked for once', async () => {
  const { gather, requests, asked } = gatherer();
  const calls = [gather.get('g', ['a']), gather.get('g', ['a', 'b']), gather.get('g', ['b', 'b', 'a'])];
  requests[0]?.answer();
  await turn();
  requests[1]?.answer();
  expect((await Promise.all(calls)).map((values) => [...values.keys()])).toEqual([['a'], ['a', 'b'], ['b', 'a']]);
  expect(asked()).toEqual(['g: a', 'g: b']);
  // It is no cache: who asks afterwards asks anew.
  const again = gather.get('g', ['a']);
  requests[2]?.answer([]);
  expect(await again).toEqual(new Map());
});

test('one call of many keys goes in several requests, as many at a time as may be', async () => {
  const { gather, requests, asked } = gatherer({ inFlight: 2 });
  const call = gather.get('g', ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  expect(asked()).toEqual(['g: a b c', 'g: d e f']);
  requests[1]?.answer();
  await turn();
  expect(asked()).toEqual(['g: a b c', 'g: d e f', 'g: g']);
  for (const request of requests) request.answer(['a', 'g']);
  expect([...(await call).keys()]).toEqual(['a', 'd', 'e', 'f', 'g']);
});

test('keys of different groups share no request, and one of which much is asked waits behind the others', async () => {
  const { gather, requests, asked } = gatherer();
  const calls = [gather.get('g', ['a']), gather.get('g', ['b', 'c', 'd', 'e']), gather.get('h', ['a'])];
  for (let i = 0; i < 4; i++) {
    requests[i]?.answer();
    await turn();
  }
  expect(asked()).toEqual(['g: a', 'g: b c d', 'h: a', 'g: e']);
  expect((await Promise.all(calls)).map(({ size }) => size)).toEqual([1, 4, 1]);
});

test('an error reaches those whose keys were in the request, and no others', async () => {
  const { gather, requests } = gatherer();
  const calls = [['a'], ['b'], ['a', 'c'], ['b', 'c']].map((keys) => gather.get('g', keys));
  const outcomes = Promise.allSettled(calls);
  const reason = new Error('no');
  requests[0]?.fail(reason);
  await turn();
  requests[1]?.answer();
  expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
  await expect(calls[2]).rejects.toBe(reason);
});

test('a value that is still to come keeps its own callers waiting, and not the next request', async () => {
  const { gather, requests, asked } = gatherer();
  let bring: (value: string) => void = () => undefined;
  const late = new Promise<string>((resolve) => {
    bring = resolve;
  });
  const first = gather.get('g', ['a', 'b']);
  const second = gather.get('g', ['c']);
  requests[0]?.promise(new Map([['a', late]]));
  await turn();
  expect(asked()).toEqual(['g: a b', 'g: c']);
  requests[1]?.answer();
  expect(await second).toEqual(new Map([['c', 'g/c']]));
  const third = gather.get('g', ['a', 'b']);
  expect(asked()).toEqual(['g: a b', 'g: c', 'g: b']);
  requests[2]?.answer();
  bring('at last');
  expect(await first).toEqual(new Map([['a', 'at last']]));
  expect(await third).toEqual(
    new Map([
      ['a', 'at last'],
      ['b', 'g/b'],
    ]),
  );
});

test('a value that was promised and does not come is an error of its own', async () => {
  const { gather, requests } = gatherer();
  const [bad, good] = [gather.get('g', ['a']), gather.get('g', ['b'])];
  requests[0]?.promise(new Map([['a', Promise.reject(new Error('lost'))]]));
  await expect(bad).rejects.toThrow('lost');
  requests[1]?.answer();
  expect((await good).size).toBe(1);
});

test.each([
  [2, 3, true],
  [2, 2, false],
])('with %i keys that may wait, %i more than a request takes are refused: %s', async (maxWaiting, extra, refused) => {
  const { gather, requests, asked } = gatherer({ maxWaiting });
  const keys = Array.from({ length: 3 + extra }, (_, i) => `k${i}`);
  const call = gather.get('g', keys);
  if (refused) {
    await expect(call).rejects.toMatchObject({ code: 'FW_READER_BUSY' });
    expect([gather.waiting, asked()]).toEqual([0, []]);
    return;
  }
  await expect(gather.get('g', ['more'])).rejects.toMatchObject({ code: 'FW_READER_BUSY' });
  // What is waited for already costs nothing.
  const joined = gather.get('g', ['k0', 'k4']);
  requests[0]?.answer();
  await turn();
  requests[1]?.answer();
  expect([(await call).size, (await joined).size]).toEqual([3 + extra, 2]);
});

test('when it is closed, what waits is rejected, what is under way ends, and what comes is rejected', async () => {
  const { gather, requests } = gatherer();
  const reason = new ForewarmError('FW_READER_CLOSED', 'closed');
  const [underWay, waiting] = [gather.get('g', ['a']), gather.get('g', ['b'])];
  let ended = false;
  const end = gather.close(reason).then(() => {
    ended = true;
  });
  await expect(waiting).rejects.toBe(reason);
  await expect(gather.get('g', ['a'])).rejects.toBe(reason);
  expect(ended).toBe(false);
  requests[0]?.answer();
  expect((await underWay).size).toBe(1);
  await end;
  await gather.close(new ForewarmError('FW_INTERNAL', 'again'));
  await expect(gather.get('g', ['a'])).rejects.toBe(reason);
});

test('whatever is asked in whatever order, each call gets its own answer, and the bounds hold', async () => {
  const call = fc.record({
    group: fc.constantFrom('g', 'h'),
    keys: fc.uniqueArray(fc.integer({ min: 0, max: 12 }).map(String), { maxLength: 8 }),
    turns: fc.integer({ min: 0, max: 3 }),
  });
  /** Of keys: 0 is nowhere, 1 fails its request, 2 comes later. */
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 25 }), fc.integer({ min: 1, max: 3 }), async (calls, inFlight) => {
      let underWay = 0;
      const open = new Set<string>();
      const gather = new Gatherer<string, string>({
        inFlight,
        maxKeys: () => 3,
        maxWaiting: 1_000,
        nameOf: (group) => group,
        fetch: async (group, keys) => {
          underWay++;
          expect(underWay).toBeLessThanOrEqual(inFlight);
          expect(keys.length).toBeLessThanOrEqual(3);
          for (const key of keys) {
            expect(open.has(group + key)).toBe(false);
            open.add(group + key);
          }
          await turn();
          underWay--;
          for (const key of keys) open.delete(group + key);
          if (keys.includes('1')) throw new Error(`refused: ${keys.join(' ')}`);
          const later = keys.includes('2') ? [['2', turn().then(() => `${group}/2`)] as const] : [];
          const now = keys.filter((key) => key !== '0' && key !== '2');
          return { values: new Map(now.map((key) => [key, `${group}/${key}`])), late: new Map(later) };
        },
      });
      const checked: Promise<void>[] = [];
      for (const { group, keys, turns } of calls) {
        for (let i = 0; i < turns; i++) await turn();
        checked.push(check(gather.get(group, keys), group, keys));
      }
      await Promise.all(checked);
      // A call that was rejected has left its other keys.
      for (let i = 0; gather.waiting + underWay > 0 && i < 100; i++) await turn();
      expect([gather.waiting, underWay]).toEqual([0, 0]);
    }),
    { numRuns: 60 },
  );
});

async function check(call: Promise<Map<string, string>>, group: string, keys: readonly string[]): Promise<void> {
  try {
    const expected = keys.filter((key) => key !== '0').map((key): [string, string] => [key, `${group}/${key}`]);
    expect(await call).toEqual(new Map(expected));
    expect(keys).not.toContain('1');
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('refused')) throw error;
    // One of its keys was with the one that fails.
    const refused = error.message.split(/[: ]+/);
    expect(keys.some((key) => refused.includes(key))).toBe(true);
  }
}
