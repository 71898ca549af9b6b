/** Masks what must never be printed. Where a text is ambiguous, more is hidden rather than less. */

const SECRET_NAME = /pass|pwd|secret|token|key|auth|credential/i;
/** What stands for a secret. */
export const HIDDEN = '***';

/** A connection URL that may be printed: no password, neither before the host nor in the query. */
export function maskUrl(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0];
  // Without a scheme it may be `user:password@host` or `password=...`: nothing tells where the secret ends.
  if (scheme === undefined) return /[@=]/.test(url) ? HIDDEN : url;
  const rest = url.slice(scheme.length);
  const at = rest.lastIndexOf('@');
  const userInfo = rest.slice(0, Math.max(at, 0));
  // An unescaped `?` or `#` before an `@` belongs to a password, or the `@` belongs to the query: undecidable.
  if (/[?#]/.test(userInfo)) return `${scheme}${HIDDEN}`;
  const colon = userInfo.indexOf(':');
  const shown = colon < 0 ? rest : `${userInfo.slice(0, colon)}:${HIDDEN}${rest.slice(at)}`;
  return scheme + maskQuery(shown);
}

function maskQuery(text: string): string {
  return text.replace(/([?&;#])([^=?&;#]+)=([^&;#]*)/g, (all, separator: string, name: string) =>
    SECRET_NAME.test(decoded(name)) ? `${separator}${name}=${HIDDEN}` : all,
  );
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return `${name} password`;
  }
}

/** A line of any text that may be printed: passwords in URLs and whatever follows a name such as `password` are hidden. */
export function maskText(line: string): string {
  return line
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):(.*)@/gi, `$1:${HIDDEN}@`)
    .replace(/([\w-]*(?:pass|pwd|secret|token|api[_-]?key|credential)[\w-]*["']?\s*[=:]\s*)\S.*/gi, `$1${HIDDEN}`);
}
