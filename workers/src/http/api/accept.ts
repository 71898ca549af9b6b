export const BYTES_TYPE = 'application/octet-stream';
const JSON_TYPE = 'application/json';

/** Whether a client would rather have a row as it is stored than as JSON, by its header Accept. */
export function prefersBytes(accept: string | undefined): boolean {
  const wanted = accept?.toLowerCase();
  if (wanted?.includes(BYTES_TYPE) !== true) return false;
  return weightOf(wanted, BYTES_TYPE) > weightOf(wanted, JSON_TYPE);
}

/** From 0 to 1, of the range that fits best. */
function weightOf(accept: string, type: string): number {
  const [family] = type.split('/');
  const ranges = accept.split(',').map((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { name, weight: q === undefined ? 1 : Number(q.slice(2)) || 0 };
  });
  const fitting = [type, `${family}/*`, '*/*'].map((name) => ranges.find((range) => range.name === name));
  return fitting.find((range) => range !== undefined)?.weight ?? 0;
}
