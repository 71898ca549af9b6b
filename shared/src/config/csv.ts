/** Comma-separated values as RFC 4180 writes them: quoted fields may hold commas, line ends and doubled quotes. */

export interface CsvRecord {
  /** Line on which the record begins, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

export interface CsvFault {
  readonly line: number;
  readonly expected: string;
}

/** All records but blank lines, and what is wrong with the text. */
export function parseCsv(text: string): { readonly records: CsvRecord[]; readonly faults: CsvFault[] } {
  const records: CsvRecord[] = [];
  const faults: CsvFault[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const begin = line;
    const fields: string[] = [];
    for (;;) {
      const field = readField(text, at);
      if (field.fault !== undefined) faults.push({ line: begin, expected: field.fault });
      fields.push(field.value);
      line += field.lineEnds;
      at = field.end;
      if (text[at] !== ',') break;
      at++;
    }
    const blank = fields.length === 1 && fields[0] === '' && text[at - 1] !== '"';
    if (!blank) records.push({ line: begin, fields });
    at += text.startsWith('\r\n', at) ? 2 : 1;
    line++;
  }
  return { records, faults };
}

interface Field {
  readonly value: string;
  /** Where the separator or line end after it stands. */
  readonly end: number;
  /** Line ends inside of it. */
  readonly lineEnds: number;
  readonly fault?: string;
}

function readField(text: string, begin: number): Field {
  if (text[begin] !== '"') {
    const end = endOfField(text, begin);
    const value = text.slice(begin, end);
    const fault = value.includes('"') ? { fault: 'quotes around the whole field, and doubled inside' } : {};
    return { value, end, lineEnds: 0, ...fault };
  }
  let close = text.indexOf('"', begin + 1);
  while (close >= 0 && text[close + 1] === '"') close = text.indexOf('"', close + 2);
  if (close < 0) {
    const value = text.slice(begin + 1);
    return { value, end: text.length, lineEnds: lineEndsIn(value), fault: 'a closing quote' };
  }
  const inside = text.slice(begin + 1, close);
  const end = endOfField(text, close + 1);
  const fault = end === close + 1 ? {} : { fault: 'a comma or the end of the line after the closing quote' };
  return { value: inside.replaceAll('""', '"'), end, lineEnds: lineEndsIn(inside), ...fault };
}

function endOfField(text: string, from: number): number {
  const separator = /,|\r?\n|\r/g;
  separator.lastIndex = from;
  return separator.exec(text)?.index ?? text.length;
}

function lineEndsIn(text: string): number {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}
