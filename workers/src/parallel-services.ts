import type { Service } from '#shared/lifecycle';

/** Services that do not depend on each other, started and stopped together. */
export class ParallelServices implements Service {
  readonly name: string;
  private readonly services: readonly Service[];

  constructor(name: string, services: readonly Service[]) {
    this.name = name;
    this.services = services;
  }

  async start(): Promise<void> {
    await Promise.all(this.services.map((service) => service.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.services.map((service) => service.stop()));
  }
}
