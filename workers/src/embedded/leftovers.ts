import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ForewarmError, messageOf } from '#shared/errors';
import { isRunning } from './process-identity';
import { looksLike, readRecord, removeRecord, type ServerRecord } from './server-record';
import { goneWithin, SHUTDOWN, shutDown } from './shutdown';

/** Told what was found, for logs. */
export type EmbeddedLog = (message: string, facts: Readonly<Record<string, unknown>>) => void;

/**
 * Stops the servers that a killed `up` left running, by the records in `runFolder`, cleanly and bounded in time. Nothing
 * is done to a process that only has the pid of a record: start time and data directory have to fit as well. Call it
 * with the lock of the folder held. Throws FW_EMBEDDED_FAILED for a server that cannot be stopped.
 */
export async function stopLeftovers(runFolder: string, log: EmbeddedLog): Promise<void> {
  if (!existsSync(runFolder)) return;
  const files = readdirSync(runFolder).map((name) => join(runFolder, name));
  await Promise.all(files.map((file) => clearRecord(file, log)));
}

async function clearRecord(file: string, log: EmbeddedLog): Promise<void> {
  const record = readRecord(file);
  if (record !== undefined && isRunning(record) && looksLike(record)) {
    log('A server was left running by a killed forewarm; it is being stopped', {
      server: record.name,
      pid: record.pid,
    });
    await stopLeftover(record);
  }
  removeRecord(file);
}

async function stopLeftover(record: ServerRecord): Promise<void> {
  const facts = { server: record.name, pid: record.pid, directory: record.directory };
  const next = `End process ${record.pid} as the user that it belongs to (sudo kill ${record.pid}), and start again.`;
  let gone: boolean;
  try {
    gone = await shutDown(record.pid, SHUTDOWN[record.name], (ms) => goneWithin(record, ms));
  } catch (cause) {
    const what = `The ${record.name} server that was left running (pid ${record.pid}) cannot be stopped`;
    throw new ForewarmError('FW_EMBEDDED_FAILED', `${what}: ${messageOf(cause)}.`, { cause, details: facts, next });
  }
  if (gone) return;
  const what = `The ${record.name} server that was left running (pid ${record.pid}) does not end.`;
  throw new ForewarmError('FW_EMBEDDED_FAILED', what, { details: facts, next });
}
