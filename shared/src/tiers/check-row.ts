import { type RowFault, RowView, viewRow } from '../cache/row';
import type { CorruptRow, FoundRow, LiveGeneration } from './tier';

/** Stored bytes as a row of the generation, or what is wrong with them. */
export function checkRow(live: LiveGeneration, bytes: Buffer): RowView | RowFault {
  const row = viewRow(bytes);
  if (!(row instanceof RowView)) return row;
  if (row.cells !== live.cells || row.outputs !== live.outputs.length) return 'length';
  // The generation's id is the first 12 digits of the identity, of which the row holds 16: they agree as far as both go.
  return row.isOf(live.identity) ? row : 'identity';
}

/** Puts stored bytes with what was found, or with what must not be returned. */
export function sortRow(
  live: LiveGeneration,
  category: string,
  bytes: Buffer,
  into: { readonly found: FoundRow[]; readonly corrupt: CorruptRow[] },
): void {
  const row = checkRow(live, bytes);
  if (row instanceof RowView) into.found.push({ category, row });
  else into.corrupt.push({ category, bytes, fault: row });
}
