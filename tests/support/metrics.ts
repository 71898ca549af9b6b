import type { DaemonProcess } from './daemon-process';

/** The value of one series of a daemon, such as `forewarm_rows_lost_total{model="m"}`; `undefined` when it has none. */
export async function metricOf(daemon: DaemonProcess, series: string): Promise<number | undefined> {
  const text = await (await fetch(`${await daemon.url()}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
