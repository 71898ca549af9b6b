import { asForewarmError } from '../errors';
import type { HeldRow } from '../tiers/memory-tier';
import type { LiveGeneration } from '../tiers/tier';
import type { Outcome, Question } from './answers';
import type { ModelView } from './model-view';
import { answerOf, readFlight, readHeld } from './provenance';
import type { RowFlight } from './row-flight';

/** The rows of one model that a call for many predictions needs: those in memory, and those that are on their way. */
export class ManyRows {
  readonly categories = new Set<string>();
  /** In memory. */
  readonly held = new Map<string, HeldRow>();
  /** On their way. */
  flights: ReadonlyMap<string, RowFlight> = new Map();
  /** Why nothing at all can be said of the model. */
  error: unknown;
  private view: ModelView | undefined;
  private live: LiveGeneration | undefined;

  begin(view: ModelView, live: LiveGeneration): void {
    this.view = view;
    this.live = live;
  }

  /**
   * What became of a question, as things stand.
   * @param late why its row is waited for no longer
   * @param rescue a row in memory that is better than none
   */
  outcome(
    { category, coordinates }: Question,
    late: unknown,
    rescue: (view: ModelView, live: LiveGeneration, category: string, error: unknown) => HeldRow | undefined,
    nowMs: number,
  ): Outcome {
    const { view, live } = this;
    if (view === undefined || live === undefined) return rejected(this.error ?? late);
    try {
      const cell = live.finder.find(coordinates);
      const flight = this.flights.get(category);
      if (flight?.row !== undefined) {
        return { status: 'fulfilled', value: answerOf(view, live, readFlight(flight), cell, nowMs) };
      }
      let held = this.held.get(category);
      if (held !== undefined) view.counts.memory.hit++;
      else {
        const error = flight?.error ?? this.error ?? late;
        held = rescue(view, live, category, error);
        if (held === undefined) return rejected(error);
      }
      return { status: 'fulfilled', value: answerOf(view, live, readHeld(held), cell, nowMs) };
    } catch (error) {
      return rejected(error);
    }
  }
}

function rejected(error: unknown): Outcome {
  return { status: 'rejected', reason: asForewarmError(error) };
}
