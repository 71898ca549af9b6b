import { Slots } from '#shared/slots';

/** Work that writes down when it begins, and ends when it is told to. */
class Works {
  readonly begun: string[] = [];
  private readonly ends = new Map<string, { resolve: (value: string) => void; reject: (error: Error) => void }>();

  work(name: string): () => Promise<string> {
    return () => {
      this.begun.push(name);
      return new Promise((resolve, reject) => this.ends.set(name, { resolve, reject }));
    };
  }

  end(name: string): void {
    this.ends.get(name)?.resolve(`${name} done`);
  }

  fail(name: string): void {
    this.ends.get(name)?.reject(new Error(`${name} failed`));
  }
}

/** Until everything that was settled has been heard of. */
const turn = () => new Promise(setImmediate);

let works: Works;
beforeEach(() => {
  works = new Works();
});

test('so many run at a time, and the others wait in their order', async () => {
  const slots = new Slots(2);
  const results = Promise.all(['a', 'b', 'c', 'd'].map((name) => slots.run(works.work(name))));
  await turn();
  expect([works.begun, slots.waiting]).toEqual([['a', 'b'], 2]);
  works.end('b');
  await turn();
  expect([works.begun, slots.waiting]).toEqual([['a', 'b', 'c'], 1]);
  works.end('a');
  await turn();
  expect([works.begun, slots.waiting]).toEqual([['a', 'b', 'c', 'd'], 0]);
  works.end('c');
  works.end('d');
  expect(await results).toEqual(['a done', 'b done', 'c done', 'd done']);
});

test('work that fails gives its slot on, and fails alone', async () => {
  const slots = new Slots(1);
  const failing = slots.run(works.work('a'));
  const next = slots.run(works.work('b'));
  works.fail('a');
  await expect(failing).rejects.toThrow('a failed');
  await turn();
  works.end('b');
  expect(await next).toBe('b done');
});

test('so does work that throws before it waits', async () => {
  const slots = new Slots(1);
  const thrower = (): Promise<never> => {
    throw new Error('at once');
  };
  await expect(slots.run(thrower)).rejects.toThrow('at once');
  const next = slots.run(works.work('b'));
  works.end('b');
  expect(await next).toBe('b done');
});

test('a slot that was handed over is not taken by another in between', async () => {
  const slots = new Slots(1);
  const first = slots.run(works.work('a'));
  const second = slots.run(works.work('b'));
  works.end('a');
  const third = first.then(() => slots.run(works.work('c')));
  await turn();
  expect([works.begun, slots.waiting]).toEqual([['a', 'b'], 1]);
  works.end('b');
  await turn();
  works.end('c');
  expect(await Promise.all([first, second, third])).toEqual(['a done', 'b done', 'c done']);
});

test('after all have ended, as many run as before', async () => {
  const slots = new Slots(2);
  await Promise.all([1, 2, 3, 4, 5].map((n) => slots.run(async () => n)));
  const results = Promise.all(['a', 'b', 'c'].map((name) => slots.run(works.work(name))));
  await turn();
  expect([works.begun, slots.waiting]).toEqual([['a', 'b'], 1]);
  for (const name of ['a', 'b']) works.end(name);
  await turn();
  works.end('c');
  expect(await results).toHaveLength(3);
});
