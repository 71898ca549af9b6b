import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type ProcessIdentity, traitsOf } from './process-identity';
import { type ServerName, SHUTDOWN } from './shutdown';

/** What is kept on disk about a running server, so that the next start finds it when we were killed. */
export interface ServerRecord extends ProcessIdentity {
  readonly name: ServerName;
  /** A directory that its command line or its working directory names: the second proof that it is ours. */
  readonly directory: string;
}

/** Written before anything else happens to the server, and in one go: a reader sees all of it or throws it away. */
export function writeRecord(file: string, record: ServerRecord): void {
  writeFileSync(file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

export function removeRecord(file: string): void {
  rmSync(file, { force: true });
}

/** The record in `file`; undefined when there is none or it was cut short. */
export function readRecord(file: string): ServerRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the process of that pid is the server of the record as far as it shows itself. Start time comes on top. */
export function looksLike(record: ServerRecord): boolean {
  const { command, workingDirectory } = traitsOf(record.pid);
  // Redis replaces its command line by a title, but keeps its data directory as its working directory.
  if (workingDirectory === record.directory || command.includes(record.directory)) return true;
  // Where the working directory cannot be seen (no Linux), the title still names the program.
  return record.name === 'redis' && workingDirectory === '' && /(redis|valkey)-server/.test(command);
}

function isRecord(value: unknown): value is ServerRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { name, pid, began, directory } = value as Partial<ServerRecord>;
  return (
    typeof name === 'string' &&
    Object.hasOwn(SHUTDOWN, name) &&
    typeof pid === 'number' &&
    typeof began === 'string' &&
    typeof directory === 'string'
  );
}
