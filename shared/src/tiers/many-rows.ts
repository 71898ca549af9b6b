import { asForewarmError } from '../errors';
import type { Outcome, Question } from './answers';
import type { HeldRow } from './memory-tier';
import type { ModelView } from './model-view';
import { answerOf, type ReadRow, readFlight, readHeld } from './provenance';
import type { RowFlight } from './row-flight';
import type { LiveGeneration } from './tier';

/** The rows of one model that a call for many predictions needs: those in memory, and those that are on their way. */
export class ManyRows {
  private readonly categories = new Set<string>();
  private readonly held = new Map<string, HeldRow>();
  private readonly flights = new Map<string, RowFlight>();
  private view: ModelView | undefined;
  private live: LiveGeneration | undefined;
  /** Why nothing at all can be said of the model. */
  error: unknown;

  add(category: string): this {
    this.categories.add(category);
    return this;
  }

  /**
   * Takes what is held, and returns the other categories.
   * @param held the row in memory of a category
   */
  begin(view: ModelView, live: LiveGeneration, held: (category: string) => HeldRow | undefined): string[] {
    this.view = view;
    this.live = live;
    return [...this.categories].filter((category) => {
      const row = held(category);
      if (row !== undefined) this.held.set(category, row);
      return row === undefined;
    });
  }

  follow(flights: readonly RowFlight[]): void {
    for (const flight of flights) this.flights.set(flight.category, flight);
  }

  /**
   * What became of a question, as things stand.
   * @param late why its row is waited for no longer
   * @param rescue a row in memory that is better than none
   */
  outcome(
    { category, coordinates }: Question,
    late: unknown,
    rescue: (view: ModelView, error: unknown) => HeldRow | undefined,
    nowMs: number,
  ): Outcome {
    const { view, live } = this;
    if (view === undefined || live === undefined) return rejected(this.error ?? late);
    try {
      const cell = view.cellAt(coordinates);
      const answer = (read: ReadRow): Outcome => ({
        status: 'fulfilled',
        value: answerOf(view, live, read, cell, nowMs),
      });
      const held = this.held.get(category);
      if (held !== undefined) {
        view.counts.memory.hit++;
        return answer(readHeld(held));
      }
      const flight = this.flights.get(category);
      if (flight?.row !== undefined) return answer(readFlight(flight));
      const error = flight?.error ?? this.error ?? late;
      const rescued = rescue(view, error);
      return rescued === undefined ? rejected(error) : answer(readHeld(rescued));
    } catch (error) {
      return rejected(error);
    }
  }
}

function rejected(error: unknown): Outcome {
  return { status: 'rejected', reason: asForewarmError(error) };
}
