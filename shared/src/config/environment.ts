export type Environment = Readonly<Record<string, string | undefined>>;

/** A snapshot of the process environment. The one place of the project that reads it: all others take it as a parameter. */
export function environment(): Environment {
  return Object.freeze({ ...process.env });
}
