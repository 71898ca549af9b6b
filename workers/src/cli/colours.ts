import { WriteStream } from 'node:tty';
import pc from 'picocolors';
import type { Environment } from '#shared/config/environment';

export type Colours = ReturnType<typeof pc.createColors>;

/** Colours for what goes to this stream: on a terminal only, also in CI, and as NO_COLOR and FORCE_COLOR ask. */
export function coloursFor(stream: { readonly isTTY?: boolean }, environment: Environment): Colours {
  const { NO_COLOR = '', FORCE_COLOR = '', TERM } = environment;
  const terminal = stream.isTTY === true && TERM !== 'dumb';
  return pc.createColors(NO_COLOR === '' && (terminal || FORCE_COLOR !== ''));
}

/** Bits of a colour: 24 where the terminal says that it has them (COLORTERM, TERM, FORCE_COLOR=3), 8 for 256 colours. */
export type ColourDepth = 24 | 8;

/** For a terminal that has colours at all. */
export function colourDepthFor(environment: Environment): ColourDepth {
  return WriteStream.prototype.getColorDepth(environment) >= 24 ? 24 : 8;
}
