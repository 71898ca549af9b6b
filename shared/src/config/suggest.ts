/**
 * Number of single-character insertions, deletions, replacements and exchanges of neighbours that lead from one string
 * to the other (Levenshtein, with exchanges as in optimal string alignment: they are what fast fingers do).
 */
export function editDistance(a: string, b: string): number {
  let [twoAbove, above]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const edits = [replaced, (above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1];
      const exchanged = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (exchanged) edits.push((twoAbove[column - 2] ?? 0) + 1);
      current.push(Math.min(...edits));
    }
    [twoAbove, above] = [above, current];
  }
  return above[b.length] ?? 0;
}

/**
 * The candidate that `name` was most likely meant to be, or `undefined` when none is close. Case and separators do not
 * count (`batch_size` is `batchSize`); otherwise at most a third of the letters and
 * three of them may differ.
 */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = plain(name);
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const third = Math.floor(Math.max(wanted.length, other.length) / 3);
    const allowed = Math.min(3, Math.max(1, third));
    if (Math.abs(wanted.length - other.length) > allowed) continue;
    const distance = editDistance(wanted, other);
    if (distance <= allowed && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Longer names are cut: nobody's typing error is 200 letters long, and the distance costs the product of the lengths. */
function plain(name: string): string {
  return name.slice(0, 200).toLowerCase().replace(/[-_.]/g, '');
}
