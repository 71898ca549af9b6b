import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeDurably } from '../durable-file';
import { ForewarmError } from '../errors';
import { parseJson } from '../parse-json';
import { type BackupManifest, manifestSchema } from './documents';

/** A manifest without its own hash. */
export type ManifestFacts = Omit<BackupManifest, 'manifestSha256'>;

const factsSchema = manifestSchema.omit({ manifestSha256: true });

export function sealManifest(given: ManifestFacts): BackupManifest {
  // In the order of the schema, which is the one that a manifest has when it is read.
  const facts = factsSchema.parse(given);
  return { ...facts, manifestSha256: hashOf(facts) };
}

/** Writes it whole or not at all; one that is there is replaced. */
export function writeManifest(path: string, manifest: BackupManifest): Promise<void> {
  return writeDurably(path, textOf(manifest), { replace: true });
}

/**
 * Reads a manifest. It must be as it was written, to the letter: a manifest that was touched says nothing of its backup.
 * @throws ForewarmError FW_BACKUP_CORRUPT, FW_BACKUP_MISSING
 */
export async function readManifest(path: string): Promise<BackupManifest> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    const code = error.code === 'ENOENT' ? 'FW_BACKUP_MISSING' : 'FW_BACKUP_CORRUPT';
    throw new ForewarmError(code, `${path}: ${error.message}`, { cause: error });
  });
  const manifest = parseJson(manifestSchema, bytes.toString('utf8'));
  if (manifest === undefined) throw new ForewarmError('FW_BACKUP_CORRUPT', `${path} is no manifest of a backup`);
  const { manifestSha256, ...facts } = manifest;
  if (hashOf(facts) === manifestSha256 && bytes.equals(Buffer.from(textOf(manifest)))) return manifest;
  throw new ForewarmError('FW_BACKUP_CORRUPT', `${path} is not as it was written`);
}

function textOf(manifest: BackupManifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

function hashOf(facts: ManifestFacts): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
