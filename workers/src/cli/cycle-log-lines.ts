import { readableLine } from '#shared/logger';
import type { CycleLine } from '#shared/store/cycle-log-store';
import type { Invocation } from './invocation';
import { printable } from './terminal-text';

/** What processes said of a cycle, one line each; the process is named where there were several. */
export function cycleLogLines(lines: readonly CycleLine[], { colours }: Pick<Invocation, 'colours'>): string[] {
  if (lines.length === 0) {
    return [
      colours.dim(
        'Nothing is kept of what was said of it: it is old (history.keepLogsOf), or PostgreSQL was away for long.',
      ),
    ];
  }
  const processes = new Set(lines.map(processOf));
  return [
    colours.dim(`log, ${processes.size === 1 ? `of ${[...processes][0]}` : `of ${processes.size} processes`}`),
    ...lines.map((line) => {
      const { at, level, message } = line;
      const facts = JSON.parse(JSON.stringify(line.facts), (_, value) =>
        typeof value === 'string' ? printable(value) : value,
      );
      const shown = { time: at.toISOString().slice(11, 23), level, message: printable(message), facts };
      return `  ${processes.size === 1 ? '' : `${processOf(line)} `}${readableLine(shown, colours)}`;
    }),
  ];
}

function processOf({ host, pid }: CycleLine): string {
  return `${printable(host)}/${pid}`;
}
