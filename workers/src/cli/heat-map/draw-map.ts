import type { Axis } from '#shared/cache/grid';
import type { ColourDepth, Colours } from '../colours';
import { padEnd, padStart, printable, truncate, widthOf } from '../terminal-text';
import { legendNumber, legendUnit, writeNumber } from './cell-numbers';
import type { GridSlice } from './grid-slice';
import { INDENT, longest, type MapLayout } from './map-layout';
import { paint } from './palette';
import { type Extreme, type Scale, shareOf } from './scale';

/** With what a map is drawn. */
export interface Ink {
  readonly colours: Colours;
  /** `undefined` draws numbers only. */
  readonly depth: ColourDepth | undefined;
}

/** The lines of a map: what it shows, its cells, and their scale. */
export function drawMap(slice: GridSlice, layout: MapLayout, ink: Ink): string[] {
  const bands = layout.bands.flatMap((band) => ['', ...drawBand(slice, layout, band, ink)]);
  return [titleOf(slice, layout, ink), ...bands, '', ...drawScale(slice, layout, ink)];
}

function titleOf({ output, down, across }: GridSlice, { numbers }: MapLayout, { colours }: Ink): string {
  const axes = down === undefined ? across.name : `${down.name} and ${across.name}`;
  const unit = numbers === undefined || numbers.exponent === 0 ? '' : `, in units of ${legendUnit(numbers.exponent)}`;
  return `${colours.bold(printable(output))} by ${axes}${unit}`;
}

function drawBand(slice: GridSlice, layout: MapLayout, [from, to]: readonly [number, number], ink: Ink): string[] {
  const { across, down, values } = slice;
  const head = [
    lead('', layout) + truncate(across.name, layout.room),
    lead(down?.name ?? '', layout) + columnLabels(across, from, to, layout),
  ];
  const lines = values.map((line, i) => {
    const label = ink.colours.dim(lead(down === undefined ? '' : String(down.values[i]), layout));
    const cells = line.slice(from, to).map((value) => drawCell(value, layout, ink));
    return label + cells.join('').trimEnd();
  });
  return [...head.map((line) => ink.colours.dim(line.trimEnd())), ...lines];
}

/** What a line begins with: its label in its column. Names of numbers stand over them, at the right. */
function lead(label: string, { labelWidth }: MapLayout): string {
  if (labelWidth === 0) return ' '.repeat(INDENT);
  return `${' '.repeat(INDENT)}${padStart(truncate(printable(label), labelWidth), labelWidth)} `;
}

function drawCell(value: number, layout: MapLayout, { depth }: Ink): string {
  const { numbers, scale } = layout;
  if (!Number.isFinite(value)) return aligned('?', layout);
  const cell = aligned(numbers === undefined ? '' : writeNumber(value, numbers), layout);
  return depth === undefined || scale === undefined ? cell : paint(shareOf(value, scale), cell, depth);
}

/** Numbers, and the labels over them, end in the same column. */
function aligned(text: string, { cellWidth, numbers, gap }: MapLayout): string {
  return numbers === undefined ? padEnd(text, cellWidth) : padStart(text, cellWidth - gap) + ' '.repeat(gap);
}

/** A label is not cut to less than this. */
const CUT_MIN = 6;

/** The labels over the cells: all of them, if need be cut off, or as many whole ones as have room. */
function columnLabels(axis: Axis, from: number, to: number, layout: MapLayout): string {
  const labels = axis.values.slice(from, to).map((value) => printable(String(value)));
  const room = layout.cellWidth - layout.gap - (layout.gap === 0 ? 1 : 0);
  const canBeCut = typeof axis.values[0] === 'string' && room >= CUT_MIN;
  if (longest(axis) > room && !canBeCut) return thinned(labels, longest(axis), layout.cellWidth);
  return labels.map((label) => aligned(truncate(label, room), layout)).join('');
}

/** Each nth label, so that they do not touch. */
function thinned(labels: readonly string[], widest: number, cellWidth: number): string {
  const columns = labels.length * cellWidth;
  const step = Math.ceil((Math.min(widest, columns - 1) + 1) / cellWidth);
  return labels.reduce((line, label, i) => {
    const fits = i * cellWidth + widthOf(label) <= columns;
    return i % step === 0 && fits ? padEnd(line, i * cellWidth) + label : line;
  }, '');
}

function drawScale(slice: GridSlice, layout: MapLayout, ink: Ink): string[] {
  const { scale } = layout;
  const indent = ' '.repeat(INDENT);
  if (scale === undefined) return [`${indent}no number is finite`];
  const { lowest, highest } = scale;
  if (lowest.value === highest.value) return [`${indent}all cells are ${legendNumber(lowest.value)}`];
  const place = (extreme: Extreme): string => `${legendNumber(extreme.value)} at ${placeOf(slice, extreme)}`;
  const words = [`lowest ${place(lowest)}`, `highest ${place(highest)}`];
  const line = `${indent}${words.join(', ')}`;
  const lines = widthOf(line) <= layout.columns ? [line] : words.map((word) => indent + word);
  return ink.depth === undefined ? lines : [`${indent}${scaleBar(scale, layout.room, ink.depth)}`, ...lines];
}

function placeOf({ down, across }: GridSlice, at: Extreme): string {
  const pairs = [...(down === undefined ? [] : [[down, at.down] as const]), [across, at.across] as const];
  return pairs.map(([axis, position]) => `${axis.name}=${printable(String(axis.values[position]))}`).join(' ');
}

/** Columns of the bar that shows the colours of the scale, where there is room. */
const SCALE_COLUMNS = 50;
/** Where on the bar its numbers stand; fewer where there is no room. */
const TICKS = [
  [0, 0.25, 0.5, 0.75, 1],
  [0, 0.5, 1],
  [0, 1],
];

/** The colours from the lowest to the highest number, with numbers on them. */
function scaleBar({ lowest, highest }: Scale, room: number, depth: ColourDepth): string {
  const columns = Math.min(SCALE_COLUMNS, room);
  const span = highest.value - lowest.value;
  const number = (share: number): string => {
    if (share === 0) return legendNumber(lowest.value);
    return share === 1 ? legendNumber(highest.value) : legendNumber(lowest.value + share * span, span);
  };
  const choices = TICKS.map((shares) => shares.map((share) => [share, ` ${number(share)} `] as const));
  const fits = choices.find((ticks) => ticks.every(([, text]) => text.length * ticks.length <= columns));
  let line = '';
  for (const [share, text] of fits ?? []) {
    line = line.padEnd(Math.round(share * (columns - text.length))) + text;
  }
  const last = Math.max(1, columns - 1);
  return [...line.padEnd(columns)].map((character, i) => paint(i / last, character, depth)).join('');
}
