import { luminance, paint, type Rgb, rgbOf256, viridis, viridis256 } from '#workers/cli/heat-map/palette';

const shares = Array.from({ length: 201 }, (_, i) => i / 200);

test('the ends of the scale are those of viridis, also beyond them', () => {
  expect([viridis(0), viridis(1)]).toEqual([
    [0x44, 0x01, 0x54],
    [0xfd, 0xe7, 0x25],
  ]);
  expect([viridis(-1), viridis(2), viridis256(-1), viridis256(2)]).toEqual([viridis(0), viridis(1), 53, 220]);
});

test('half-way between two anchors is their mean', () => {
  expect(viridis(0.5 / 9)).toEqual([0x46, 0x15, 0x66]);
});

test('more is lighter, with 24 bits at each step and with 256 colours at each colour', () => {
  const light = shares.map((share) => luminance(viridis(share)));
  expect(light.every((one, i) => i === 0 || one > (light[i - 1] ?? 0))).toBe(true);
  const colours = shares.map(viridis256);
  const light256 = colours.map((colour) => luminance(rgbOf256(colour)));
  expect(light256).toEqual([...light256].sort((a, b) => a - b));
  // Each colour has a lightness of its own.
  expect(new Set(light256).size).toBe(new Set(colours).size);
  expect(new Set(colours).size).toBe(11);
});

test('with 256 colours each share has a colour that is near to its own', () => {
  const distance = (a: Rgb, b: Rgb) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
  const worst = Math.max(...shares.map((share) => distance(viridis(share), rgbOf256(viridis256(share)))));
  // Neighbours of the cube are 40 apart on each of three sides.
  expect(worst).toBeLessThan(Math.hypot(40, 40, 40));
});

test.each([24, 8] as const)('text on each colour has a contrast of 4.5 or more (%d bits)', (depth) => {
  for (const share of shares) {
    const [, text, back = ''] = /38;5;(16|231);48;([\d;]+)m/.exec(paint(share, 'x', depth)) ?? [];
    const [kind, ...numbers] = back.split(';').map(Number);
    const rgb = kind === 2 ? (numbers as unknown as Rgb) : rgbOf256(numbers[0] ?? 0);
    const [light, dark] = [text === '231' ? 1 : luminance(rgb), text === '231' ? luminance(rgb) : 0];
    expect((light + 0.05) / (dark + 0.05)).toBeGreaterThanOrEqual(4.5);
  }
});

test('a cell sets both colours and takes them back', () => {
  expect(paint(0, ' 1', 24)).toBe('\u001b[38;5;231;48;2;68;1;84m 1\u001b[0m');
  expect(paint(1, ' 1', 8)).toBe('\u001b[38;5;16;48;5;220m 1\u001b[0m');
});

test.each([
  [[0, 0, 0], 0],
  [[255, 255, 255], 1],
  [[255, 0, 0], 0.2126],
  [[118, 118, 118], 0.1812],
])('the luminance of %j is %d', (rgb, expected) => {
  expect(luminance(rgb as unknown as Rgb)).toBeCloseTo(expected, 4);
});
