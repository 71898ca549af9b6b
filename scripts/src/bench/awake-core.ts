/** Keeps a core from falling asleep. Started by `Cores`, which has the system give it only time that nobody else wants. */

const TURN_MS = 20;

function spin(): void {
  const until = performance.now() + TURN_MS;
  while (performance.now() < until);
  // Between two turns it hears that its parent has gone.
  setImmediate(spin);
}

process.once('message', spin);
process.on('disconnect', () => process.exit());
