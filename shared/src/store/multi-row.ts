/** A multi-row `VALUES` list, `($1, $2), ($3, $4)`, with its parameters in order; `casts` give each column's type. */
export function valuesList(
  rows: readonly (readonly unknown[])[],
  casts: readonly string[],
): { readonly text: string; readonly parameters: unknown[] } {
  const width = casts.length;
  const text = rows.map(
    (_, row) => `(${casts.map((cast, column) => `$${row * width + column + 1}::${cast}`).join(', ')})`,
  );
  return { text: text.join(', '), parameters: rows.flat() };
}
