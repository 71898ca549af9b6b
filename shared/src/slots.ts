/** So many at a time, first come first served. */
export class Slots {
  private free: number;
  private readonly queue: (() => void)[] = [];

  constructor(count: number) {
    this.free = count;
  }

  /** How many wait for a slot. */
  get waiting(): number {
    return this.queue.length;
  }

  /** Runs `work` when a slot is free. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.queue.shift();
      // A slot is handed over as it is: it is not free in between.
      if (next === undefined) this.free++;
      else next();
    }
  }
}
