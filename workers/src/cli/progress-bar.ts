import { Format, type Options, type Params, SingleBar } from 'cli-progress';
import { approximateBytes } from '#shared/config/bytes';
import { formatDuration } from '#shared/config/duration';

/** Before that a rate says nothing. */
const RATE_AFTER_MS = 500;

const BAR = { barsize: 30, barCompleteChar: '█', barIncompleteChar: '░' };

/** How far some work has come, or what it waits for. */
export type Progress =
  | { readonly waits: string }
  | {
      /** What is being done, where the work has more than one part. */
      readonly part?: string;
      readonly done: number;
      readonly of: number;
      readonly unit: 'rows' | 'bytes';
    };

/** Work on one line of the terminal: how much is done, its rate and the time left. */
export class ProgressBar {
  private readonly label: string;
  private readonly bar: SingleBar;
  private readonly now: () => number;
  private shown: Progress = { waits: '' };
  private part: string | undefined;
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

  show(progress: Progress): void {
    this.shown = progress;
    if ('waits' in progress) return;
    if (this.part !== progress.part) this.beganMs = undefined;
    this.part = progress.part;
    this.beganMs ??= this.now();
    this.bar.setTotal(progress.of);
    this.bar.update(progress.done);
  }

  stop(): void {
    this.bar.stop();
  }

  private line(options: Options, { progress }: Params): string {
    const { shown } = this;
    if ('waits' in shown) return `${this.label}  waiting ${shown.waits}`;
    const { done, of, unit, part } = shown;
    const amount = unit === 'rows' ? (n: number) => n.toLocaleString('en') : approximateBytes;
    const elapsedMs = this.now() - (this.beganMs ?? this.now());
    const total = unit === 'rows' ? `${done}/${of} rows` : `${amount(done)} of ${amount(of)}`;
    const parts = [this.label, ...(part === undefined ? [] : [part]), Format.BarFormat(progress, options), total];
    if (done > 0 && elapsedMs > RATE_AFTER_MS) {
      const perSecond = (1_000 * done) / elapsedMs;
      const rate = unit === 'rows' ? `${amount(Math.round(perSecond))} rows/s` : `${amount(perSecond)}/s`;
      parts.push(rate, leftAt(perSecond, of - done));
    }
    return parts.join('  ');
  }
}

function leftAt(perSecond: number, left: number): string {
  return left === 0 ? 'done' : `${formatDuration(Math.ceil(left / perSecond) * 1_000)} left`;
}
