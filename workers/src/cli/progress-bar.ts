import { Format, type Options, type Params, SingleBar } from 'cli-progress';
import { formatDuration } from '#shared/config/duration';
import type { WarmProgress } from '../follow-warm';

/** Before that a rate says nothing. */
const RATE_AFTER_MS = 500;

const BAR = { barsize: 30, barCompleteChar: '█', barIncompleteChar: '░' };

/** A cycle on one line of the terminal: rows done, rate and time left. */
export class WarmProgressBar {
  private readonly label: string;
  private readonly bar: SingleBar;
  private readonly now: () => number;
  private shown: WarmProgress = { phase: 'waiting', reason: '' };
  private beganMs: number | undefined;

  /** @param now milliseconds of a clock that never steps back */
  constructor(label: string, stream: NodeJS.WritableStream, now: () => number) {
    this.label = label;
    this.now = now;
    this.bar = new SingleBar({
      ...BAR,
      stream,
      hideCursor: true,
      // Ctrl-C is the command's own: it says what becomes of the cycle.
      gracefulExit: false,
      format: (options, params) => this.line(options, params),
    });
    this.bar.start(1, 0);
  }

  show(progress: WarmProgress): void {
    this.shown = progress;
    if (progress.phase === 'waiting') return;
    this.beganMs ??= this.now();
    this.bar.setTotal(progress.rows);
    this.bar.update(progress.rowsDone);
  }

  stop(): void {
    this.bar.stop();
  }

  private line(options: Options, { progress }: Params): string {
    if (this.shown.phase === 'waiting') return `${this.label}  waiting ${this.shown.reason}`;
    const { rowsDone, rows } = this.shown;
    const elapsedMs = this.now() - (this.beganMs ?? this.now());
    const parts = [this.label, Format.BarFormat(progress, options), `${rowsDone}/${rows} rows`];
    if (rowsDone > 0 && elapsedMs > RATE_AFTER_MS) {
      const perSecond = (1_000 * rowsDone) / elapsedMs;
      parts.push(`${Math.round(perSecond).toLocaleString('en')} rows/s`, leftAt(perSecond, rows - rowsDone));
    }
    return parts.join('  ');
  }
}

function leftAt(perSecond: number, rows: number): string {
  return rows === 0 ? 'done' : `${formatDuration(Math.ceil(rows / perSecond) * 1_000)} left`;
}
