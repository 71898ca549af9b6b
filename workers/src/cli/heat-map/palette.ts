import type { ColourDepth } from '../colours';

/**
 * Colours for numbers: viridis, from dark blue to light yellow. Its lightness rises evenly, so that more is lighter also
 * for people who do not see all colours, and in print. Source: matplotlib's viridis, at ten equal steps.
 */
const ANCHORS: readonly Rgb[] = [
  [0x44, 0x01, 0x54],
  [0x48, 0x28, 0x78],
  [0x3e, 0x4a, 0x89],
  [0x31, 0x68, 0x8e],
  [0x26, 0x82, 0x8e],
  [0x1f, 0x9e, 0x89],
  [0x35, 0xb7, 0x79],
  [0x6e, 0xce, 0x58],
  [0xb5, 0xde, 0x2b],
  [0xfd, 0xe7, 0x25],
];

/** Of the 256 colours, those nearest to viridis that are each lighter than the one before. */
const STEPS_OF_256 = [53, 54, 60, 30, 36, 72, 77, 113, 149, 184, 220];

/** Red, green and blue from 0 to 255. */
export type Rgb = readonly [number, number, number];

/** The colour at a share of the scale, 0 to 1. */
export function viridis(share: number): Rgb {
  const position = clamp(share) * (ANCHORS.length - 1);
  const i = Math.min(Math.floor(position), ANCHORS.length - 2);
  const [from, to] = [ANCHORS[i] as Rgb, ANCHORS[i + 1] as Rgb];
  const mix = (k: 0 | 1 | 2): number => Math.round(from[k] + (to[k] - from[k]) * (position - i));
  return [mix(0), mix(1), mix(2)];
}

/** The number of the colour at a share of the scale, where there are 256. */
export function viridis256(share: number): number {
  const wanted = viridis(share);
  const distance = (colour: number): number => Math.hypot(...rgbOf256(colour).map((n, k) => n - (wanted[k] ?? 0)));
  return STEPS_OF_256.reduce((best, colour) => (distance(colour) < distance(best) ? colour : best));
}

/** What one of the colours 16 to 231 of 256 looks like. */
export function rgbOf256(colour: number): Rgb {
  const level = (n: number): number => (n === 0 ? 0 : 55 + 40 * n);
  const cube = colour - 16;
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
}

/** How light a colour is, 0 to 1. Source: relative luminance of WCAG 2. */
export function luminance([red, green, blue]: Rgb): number {
  const linear = (n: number): number => (n <= 10.31475 ? n / 255 / 12.92 : ((n / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

/** Black and white stand out equally from a background that is this light. */
const EVEN = Math.sqrt(0.05 * 1.05) - 0.05;

/** Text on the colour at a share of the scale; both colours are set, so that those of the terminal do not matter. */
export function paint(share: number, text: string, depth: ColourDepth): string {
  const colour = viridis256(share);
  const light = luminance(depth === 24 ? viridis(share) : rgbOf256(colour)) > EVEN;
  const back = depth === 24 ? `48;2;${viridis(share).join(';')}` : `48;5;${colour}`;
  // 16 and 231 are black and white of the 256, which themes leave alone.
  return `\u001b[38;5;${light ? 16 : 231};${back}m${text}\u001b[0m`;
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
