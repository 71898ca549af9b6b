import { ForewarmError } from '../errors';
import type { CategoryFailure } from '../inference/protocol';
import type { LiveGeneration } from './tier';

/** The oldest is forgotten first. */
const REMEMBERED = 1_000;

/** Why a model gave no row for a category, the last time that it was asked. */
export class Refusals {
  private readonly reasons = new Map<string, ForewarmError>();

  of(live: LiveGeneration, category: string): ForewarmError | undefined {
    return this.reasons.get(keyOf(live, category));
  }

  add(live: LiveGeneration, { category, code, message }: CategoryFailure): void {
    this.remove(live, category);
    const reason = new ForewarmError(code, `${live.model}: ${JSON.stringify(category)}: ${message}`);
    this.reasons.set(keyOf(live, category), reason);
    for (const [oldest] of this.reasons) {
      if (this.reasons.size <= REMEMBERED) return;
      this.reasons.delete(oldest);
    }
  }

  remove(live: LiveGeneration, category: string): void {
    this.reasons.delete(keyOf(live, category));
  }
}

function keyOf({ model, generation }: LiveGeneration, category: string): string {
  return `${model}:${generation}:${category}`;
}
