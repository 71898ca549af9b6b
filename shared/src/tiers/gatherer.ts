import { ForewarmError } from '../errors';

export interface GathererOptions<G, V> {
  /** Requests under way at a time, of all groups together. */
  readonly inFlight: number;
  /** Keys of one request at most. */
  readonly maxKeys: (group: G) => number;
  /** Keys that are asked for, are in no request and have no answer: so many at most, of all groups together. */
  readonly maxWaiting: number;
  /** Keys of groups with different names do not share a request. */
  readonly nameOf: (group: G) => string;
  readonly fetch: (group: G, keys: readonly string[]) => Promise<Gathered<V>>;
}

/** What a request brought: keys in neither have no value. */
export interface Gathered<V> {
  readonly values: ReadonlyMap<string, V>;
  /** Values that are still to come: they keep those waiting who asked for them, and no other request. */
  readonly late?: ReadonlyMap<string, Promise<V | undefined>>;
}

/**
 * Puts calls together: the first goes at once, those that come while requests are under way go together in the next one.
 * A key that is asked for by many at the same time is fetched once.
 */
export class Gatherer<G, V> {
  private readonly options: GathererOptions<G, V>;
  /** By name; the first is served next. Only those with keys that have no answer yet. */
  private readonly lines = new Map<string, Line<G, V>>();
  private readonly underWay = new Set<Promise<void>>();
  private unplaced = 0;
  private closed: ForewarmError | undefined;

  constructor(options: GathererOptions<G, V>) {
    this.options = options;
  }

  /** Keys that are in no request and have no answer. */
  get waiting(): number {
    return this.unplaced;
  }

  /**
   * Those of `keys` that have a value, with it.
   * @throws ForewarmError FW_READER_BUSY when too many keys wait, FW_READER_CLOSED; whatever `fetch` throws for one of them
   */
  async get(group: G, keys: readonly string[]): Promise<Map<string, V>> {
    if (this.closed !== undefined) throw this.closed;
    const wanted = [...new Set(keys)];
    const name = this.options.nameOf(group);
    const line: Line<G, V> = this.lines.get(name) ?? { group, waiting: [], open: new Map() };
    const fresh = wanted.filter((key) => !line.open.has(key));
    this.admit(group, fresh.length);
    for (const key of fresh) {
      const entry = new Entry<V>(key);
      line.open.set(key, entry);
      line.waiting.push(entry);
    }
    this.unplaced += fresh.length;
    if (fresh.length > 0) this.lines.set(name, line);
    const answers = Promise.all(wanted.map((key) => line.open.get(key)?.answer));
    this.pump();
    const values = await answers;
    return new Map(wanted.flatMap((key, i) => (values[i] === undefined ? [] : [[key, values[i]] as [string, V]])));
  }

  /** Rejects what waits and what comes with `reason`; resolves when no request is under way any more. */
  async close(reason: ForewarmError): Promise<void> {
    this.closed ??= reason;
    for (const line of this.lines.values()) {
      for (const entry of line.waiting.splice(0)) {
        this.unplaced--;
        this.end(line, entry, () => entry.reject(reason));
      }
    }
    while (this.underWay.size > 0) await Promise.all(this.underWay);
  }

  private get freeRequests(): number {
    return this.options.inFlight - this.underWay.size;
  }

  /** @throws ForewarmError FW_READER_BUSY */
  private admit(group: G, count: number): void {
    const { maxKeys, maxWaiting } = this.options;
    const atOnce = this.freeRequests * maxKeys(group);
    if (count === 0 || this.unplaced + count <= maxWaiting + atOnce) return;
    throw new ForewarmError('FW_READER_BUSY', `${this.unplaced} rows wait, ${maxWaiting} may, and ${count} more came`);
  }

  private pump(): void {
    for (const [name, line] of this.lines) {
      if (this.freeRequests <= 0) return;
      if (line.waiting.length === 0) continue;
      const entries = line.waiting.splice(0, this.options.maxKeys(line.group));
      this.unplaced -= entries.length;
      // Behind the others, so that a group of which much is asked does not hold up those of which little is.
      this.lines.delete(name);
      this.lines.set(name, line);
      const request = this.request(line, entries).finally(() => {
        this.underWay.delete(request);
        this.pump();
      });
      this.underWay.add(request);
    }
  }

  /** Never rejects: what goes wrong is for those who asked. */
  private async request(line: Line<G, V>, entries: readonly Entry<V>[]): Promise<void> {
    try {
      const keys = entries.map(({ key }) => key);
      const { values, late } = await this.options.fetch(line.group, keys);
      for (const entry of entries) {
        const promised = late?.get(entry.key);
        if (promised === undefined) this.end(line, entry, () => entry.resolve(values.get(entry.key)));
        else this.await(line, entry, promised);
      }
    } catch (error) {
      for (const entry of entries) this.end(line, entry, () => entry.reject(error));
    }
  }

  private await(line: Line<G, V>, entry: Entry<V>, promised: Promise<V | undefined>): void {
    this.unplaced++;
    const settle = (how: () => void): void => {
      this.unplaced--;
      this.end(line, entry, how);
    };
    promised.then(
      (value) => settle(() => entry.resolve(value)),
      (error: unknown) => settle(() => entry.reject(error)),
    );
  }

  private end(line: Line<G, V>, entry: Entry<V>, how: () => void): void {
    line.open.delete(entry.key);
    if (line.open.size === 0) this.lines.delete(this.options.nameOf(line.group));
    how();
  }
}

/** What is asked for of one group. */
interface Line<G, V> {
  readonly group: G;
  /** In no request yet, in their order. */
  readonly waiting: Entry<V>[];
  /** Without an answer yet: these, those of requests, and those that are promised. */
  readonly open: Map<string, Entry<V>>;
}

/** One key, for everybody who asked for it. */
class Entry<V> {
  readonly key: string;
  readonly answer: Promise<V | undefined>;
  resolve!: (value: V | undefined) => void;
  reject!: (error: unknown) => void;

  constructor(key: string) {
    this.key = key;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }
}
