import type { ValueType } from './values';

/** Bearer tokens: a list of texts, or one text with commas between them. */

/** What may stand after `Bearer` (RFC 6750), long enough that nobody guesses it. */
const TOKEN = /^[A-Za-z0-9._~+/-]{16,256}=*$/;

const EXPECTED = 'tokens of 16 to 256 letters, digits and `-._~+/`, each once; `openssl rand -hex 32` makes one';

/** A token that is wrong may be nearly right, and is a secret: the message names its place. */
export const tokensType: ValueType<string[]> = {
  label: 'list of text, or text with commas',
  fromText: (text) => text,
  read(raw, refuse) {
    const tokens = typeof raw === 'string' ? raw.split(',').map((token) => token.trim()) : raw;
    if (!Array.isArray(tokens)) return refuse(`a list of ${EXPECTED}`);
    const wrong = tokens.findIndex(
      (token: unknown, i) => typeof token !== 'string' || !TOKEN.test(token) || tokens.indexOf(token) < i,
    );
    return wrong < 0 ? tokens : refuse(`a list of ${EXPECTED}: number ${wrong + 1} is none`);
  },
};
