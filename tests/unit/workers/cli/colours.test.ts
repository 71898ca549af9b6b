import { colourDepthFor, coloursFor } from '#workers/cli/colours';

const terminal = { isTTY: true };
const pipe = {};

test.each([
  ['a terminal', terminal, {}, true],
  ['a pipe', pipe, {}, false],
  ['a pipe in CI', pipe, { CI: 'true' }, false],
  ['a dumb terminal', terminal, { TERM: 'dumb' }, false],
  ['a terminal with NO_COLOR', terminal, { NO_COLOR: '1' }, false],
  ['a terminal with an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
  ['a pipe with FORCE_COLOR', pipe, { FORCE_COLOR: '1' }, true],
  ['a pipe with both', pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
])('%s', (_name, stream, environment, coloured) => {
  expect(coloursFor(stream, environment).red('x') !== 'x').toBe(coloured);
});

test.each([
  [{ TERM: 'xterm-256color', COLORTERM: 'truecolor' }, 24],
  [{ TERM: 'xterm-256color', COLORTERM: '24bit' }, 24],
  [{ TERM: 'xterm-256color' }, 8],
  [{ TERM: 'xterm' }, 8],
  [{ TERM: 'tmux-256color', TMUX: '/tmp/tmux' }, 8],
  [{}, 8],
])('with %j a colour has %d bits', (environment, bits) => {
  expect(colourDepthFor(environment)).toBe(bits);
});
