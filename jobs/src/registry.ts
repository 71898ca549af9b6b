import type { JobDefinition } from './define-job';
import { backup } from './definitions/backup';
import { pruneHistory } from './definitions/prune-history';
import { publish } from './definitions/publish';
import { restore } from './definitions/restore';
import { warm } from './definitions/warm';
import { warmBatch } from './definitions/warm-batch';
import { warmOnStartup } from './definitions/warm-on-startup';

/** The jobs of a deployment. Scheduler, queue workers, dashboard and command line all read this one list. */
export class Registry {
  readonly definitions: readonly JobDefinition[];
  private readonly byName: ReadonlyMap<string, JobDefinition>;

  /** @throws Error when two definitions have the same name, or one that BullMQ does not take */
  constructor(definitions: readonly JobDefinition[]) {
    const byName = new Map<string, JobDefinition>();
    for (const definition of definitions) {
      if (!/^[a-z][a-z-]*$/.test(definition.name)) throw new Error(`${definition.name} cannot be the name of a job`);
      if (byName.has(definition.name)) throw new Error(`two jobs are named ${definition.name}`);
      byName.set(definition.name, definition);
    }
    this.definitions = definitions;
    this.byName = byName;
  }

  get(name: string): JobDefinition | undefined {
    return this.byName.get(name);
  }
}

/** Adding a job is one file under `definitions` and one line here. */
export const registry = new Registry([
  warm as JobDefinition,
  warmBatch as JobDefinition,
  publish as JobDefinition,
  warmOnStartup as JobDefinition,
  pruneHistory as JobDefinition,
  backup as JobDefinition,
  restore as JobDefinition,
]);
