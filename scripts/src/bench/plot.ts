import { createRequire } from 'node:module';
import type { GrownSize } from './grow-suite';

interface Chart {
  setOption(option: object): void;
  renderToSVGString(): string;
  dispose(): void;
}

/** Typed here: the package's own types do not resolve for CommonJS. */
const { init } = createRequire(__filename)('echarts') as {
  init(element: null, theme: null, options: object): Chart;
};

const WIDTH = 720;
const HEIGHT = 420;

/** Cycle time against categories, both logarithmic, as an SVG document; a dashed line shows what linear growth would be. */
export function cycleTimePlot(title: string, grow: readonly GrownSize[], periodSeconds: number): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const last = grow[grow.length - 1];
  const linear = (categories: number): number => ((last?.cycleSeconds ?? 0) * categories) / (last?.categories ?? 1);
  const axis = { type: 'log', minorSplitLine: { show: true }, nameLocation: 'middle', nameGap: 36 } as const;
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    title: { text: title, left: 'center' },
    legend: { bottom: 0, itemGap: 36 },
    grid: { left: 64, right: 24, top: 48, bottom: 84 },
    xAxis: { ...axis, name: 'categories' },
    yAxis: { ...axis, name: 'seconds', nameGap: 44 },
    series: [
      {
        name: 'cycle, rows durable',
        type: 'line',
        symbolSize: 8,
        data: grow.map((size) => [size.categories, size.cycleSeconds]),
      },
      {
        name: 'its planning (tick)',
        type: 'line',
        symbolSize: 8,
        data: grow.map((size) => [size.categories, Math.max(size.tickSeconds, 1e-3)]),
      },
      dashed(
        'linear',
        grow.map(({ categories }) => [categories, linear(categories)]),
        '#999999',
      ),
      dashed(
        'period of 20 s',
        grow.map(({ categories }) => [categories, periodSeconds]),
        '#cc4444',
      ),
    ],
  });
  const svg = chart.renderToSVGString();
  // Its timers keep the process alive otherwise.
  chart.dispose();
  return svg;
}

function dashed(name: string, data: readonly (readonly number[])[], color: string) {
  const lineStyle = { type: 'dashed', width: 1, color } as const;
  return {
    name,
    type: 'line' as const,
    symbol: 'none',
    lineStyle,
    itemStyle: { color },
    data: data.map((point) => [...point]),
  };
}
