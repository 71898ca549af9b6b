export type Environment = Readonly<Record<string, string | undefined>>;

/** A snapshot of the process environment. The one file of the project that touches it: all others take it as a parameter. */
export function environment(): Environment {
  return Object.freeze({ ...process.env });
}

/** Sets a variable for a native library of this process, which must not have been used yet; what is set already stays. */
export function setForLibrary(name: string, value: string): void {
  process.env[name] ||= value;
}
