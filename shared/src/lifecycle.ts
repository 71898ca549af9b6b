/**
 * The one life-cycle contract. A service is started once and stopped once or more; `stop` is idempotent, safe before
 * `start`, and bounded in time by the service itself.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Told after each step, for logs: which service, what was done, how long it took. */
export type LifecycleObserver = (event: {
  readonly service: string;
  readonly step: 'started' | 'stopped' | 'stop failed';
  readonly ms: number;
  readonly error?: unknown;
}) => void;

/**
 * An ordered list of services as one: starts first to last, stops last to first, and undoes a start that failed. All are
 * stopped, also those that were not started: a service may hold something from its construction on.
 */
export class ServiceGroup implements Service {
  readonly name: string;
  private readonly services: readonly Service[];
  private readonly observe: LifecycleObserver;
  private stopping: Promise<void> | undefined;

  constructor(name: string, services: readonly Service[], observe: LifecycleObserver = () => undefined) {
    this.name = name;
    this.services = services;
    this.observe = observe;
  }

  async start(): Promise<void> {
    for (const service of this.services) {
      // A stop that arrives while services are still starting wins: nothing more is started.
      if (this.whenStopping() !== undefined) return;
      const began = performance.now();
      try {
        await service.start();
      } catch (error) {
        await this.stop();
        throw error;
      }
      // It was stopped while it started, and came up after its own stop.
      const stopped = this.whenStopping();
      if (stopped !== undefined) return stopped.then(() => service.stop());
      this.observe({ service: service.name, step: 'started', ms: performance.now() - began });
    }
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  /** The end of the stop that was asked for, if it was: at any time, also while a service starts. */
  private whenStopping(): Promise<void> | undefined {
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    for (const service of [...this.services].reverse()) {
      const began = performance.now();
      try {
        await service.stop();
        this.observe({ service: service.name, step: 'stopped', ms: performance.now() - began });
      } catch (error) {
        this.observe({ service: service.name, step: 'stop failed', ms: performance.now() - began, error });
      }
    }
  }
}
