/** What of the environment of this process is handed in by whoever may read it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a server needs to find its programs and libraries (the last four: NixOS and macOS). */
const KEPT = ['PATH', 'LD_LIBRARY_PATH', 'NIX_LD', 'NIX_LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'];

/**
 * The environment of a server: only what it needs. It may run as another user, who can read its environment, and ours
 * may hold secrets; and a `PGOPTIONS` or a locale of the person at the terminal must not change how a server works.
 */
export function childEnvironment(own: Environment): Record<string, string> {
  const environment: Record<string, string> = { LC_ALL: 'C', TZ: 'UTC' };
  for (const key of KEPT) {
    const value = own[key];
    if (value !== undefined) environment[key] = value;
  }
  return environment;
}
