import type { ConditionName } from '#shared/alerts/conditions';
import type { Observation } from '#shared/alerts/judge';
import type { Level } from '#shared/alerts/state-machine';

/** Looks at some conditions. What it cannot look at it leaves out: nothing is known of that then. */
export interface Observer {
  /** For the log when it fails, such as `the queues`. */
  readonly name: string;
  observe(): Promise<readonly Observation[]>;
}

export interface Finding {
  readonly condition: ConditionName;
  readonly model?: string;
  readonly place?: string;
  readonly level: Level;
  /** One sentence with figures and bound. Of something that is well nobody reads it. */
  readonly message: string;
  readonly facts?: Readonly<Record<string, unknown>>;
}

export function observation({ condition, model = '', place = '', level, message, facts = {} }: Finding): Observation {
  return { condition, model, place, level, message, facts };
}

/** Bad or not, with nothing between. */
export function badIf(bad: boolean): Level {
  return bad ? 'bad' : 'good';
}

/** Share of a bound by which a figure must be within it again to be well: one that sways about the bound is told once. */
const MARGIN = 0.1;

/** Of a figure that may not go beyond its bound. */
export function above(figure: number, bound: number): Level {
  if (figure > bound) return 'bad';
  return figure > bound * (1 - MARGIN) && bound > 0 ? 'near' : 'good';
}

/** Of a share that may not fall below its bound: the margin is of what may be missing, or of the bound where that is less. */
export function below(share: number, bound: number): Level {
  if (share < bound) return 'bad';
  return share < Math.min(1, bound + MARGIN * Math.min(bound, 1 - bound)) ? 'near' : 'good';
}

/** `97.3 %`. */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
