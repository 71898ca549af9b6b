import stringWidth from 'string-width';

/** Text as a terminal shows it: wide characters take two columns, colours and combining marks none. */

export const widthOf: (text: string) => number = stringWidth;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Characters that a terminal would obey, or that would turn the rest of the line around. */
const OBEYED = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Text from outside, safe to print: what a terminal would obey is written out, such as `\u001b`. */
export function printable(text: string): string {
  return text.replaceAll(OBEYED, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}

/** The same on one line: each run of white space is one space. */
export function oneLine(text: string): string {
  return printable(text.replaceAll(/\s+/g, ' ').trim());
}

/** Text of at most so many columns; what is cut off is shown by an ellipsis. Not for text with colours. */
export function truncate(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += widthOf(segment);
    if (used > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - widthOf(text))) + text;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - widthOf(text)));
}

const COLUMNS_UNKNOWN = 80;

/** Columns of a terminal; a pipe has no end of a line. */
export function columnsOf(stream: { readonly isTTY?: boolean; readonly columns?: number }): number {
  if (stream.isTTY !== true) return Number.POSITIVE_INFINITY;
  // A terminal that nobody has given a size says 0.
  return stream.columns || COLUMNS_UNKNOWN;
}
