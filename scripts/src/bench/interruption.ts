const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Somebody ended the run before it was over. */
export class Interrupted extends Error {}

/** Asked to end, as by Ctrl-C, a run stops its servers first: they would go on without it. */
export class Interruption {
  private readonly controller = new AbortController();
  private readonly abort = (): void => this.controller.abort(new Interrupted('interrupted'));

  constructor() {
    for (const name of SIGNALS) process.on(name, this.abort);
  }

  /** Aborted with `Interrupted`. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /**
   * What `work` comes to, unless that takes longer than until the interruption.
   * @throws Interrupted
   */
  async orEnd<T>(work: Promise<T>): Promise<T> {
    const { signal } = this;
    const interrupted = new Promise<never>((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    return Promise.race([work, interrupted]);
  }

  end(): void {
    for (const name of SIGNALS) process.off(name, this.abort);
  }
}
