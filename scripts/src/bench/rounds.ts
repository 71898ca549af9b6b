const ROUNDS = 7;
/** Where a round takes longer than `LONG_SECONDS`. */
const ROUNDS_OF_LONG = 3;
const LONG_SECONDS = 5;

/** How many rounds to measure after a warm-up that took so long. */
export function roundsFor(seconds: number): number {
  return seconds > LONG_SECONDS ? ROUNDS_OF_LONG : ROUNDS;
}
