/**
 * Loaded into the daemon that is measured, beside it: watches its event loop, whose delay only it can see. Asked over the channel
 * to its parent, it answers with what it saw since it was last asked.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoopDelay {
  /** 99th percentile, milliseconds between two turns of a timer of 1 ms. */
  readonly p99Ms: number;
  readonly maxMs: number;
}

const NANOSECONDS = 1e6;
const histogram = monitorEventLoopDelay({ resolution: 1 });
histogram.enable();

process.on('message', () => {
  process.send?.({ p99Ms: histogram.percentile(99) / NANOSECONDS, maxMs: histogram.max / NANOSECONDS });
  histogram.reset();
});
// The daemon ends when it has stopped, not when it is asked no more.
process.channel?.unref();
