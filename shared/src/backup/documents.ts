import { z } from 'zod';
import { parseJson } from '../parse-json';

/**
 * The lines of a backup and the manifest beside it. `docs/backup-format.md` is the public description; golden files under
 * `tests/golden` hold the two together.
 *
 *   {"forewarm":"backup",...}                            header, one line
 *   {"category":...,"computedAt":...,"values":[...]}     a row each, in no particular order
 *   {"missing":"..."}                                    a category whose row was in no store
 *   {"rows":...,"missing":...,"sha256":...}              trailer, one line
 */

export const BACKUP_FORMAT = 1;

export const COMPRESSIONS = ['gzip', 'none'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

export const VALUE_FORMS = ['numbers', 'packed'] as const;
/** Values as plain JSON numbers, or as base64 of the row's packed float32 values. */
export type ValueForm = (typeof VALUE_FORMS)[number];

/** What a generation was when it was backed up. */
export const SCOPES = ['live', 'previous'] as const;
export type Scope = (typeof SCOPES)[number];

const count = z.int().nonnegative();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const generationId = z.string().regex(/^[0-9a-f]{12}$/);
const time = z.iso.datetime();

const axes = z.array(z.strictObject({ name: z.string(), values: z.array(z.union([z.number(), z.string()])).min(1) }));

export const headerLine = z.strictObject({
  forewarm: z.literal('backup'),
  format: z.literal(BACKUP_FORMAT),
  model: z.string().min(1),
  generation: generationId,
  /** SHA-256 of the identity document, 64 hexadecimal digits; the generation's id is its beginning. */
  identity: sha256,
  modelVersion: z.string(),
  /** In storage order: the last axis varies fastest in `values`. */
  axes,
  outputs: z.array(z.string()).min(1),
  values: z.enum(VALUE_FORMS),
  /** Categories of the generation: as many rows and missing ones follow. */
  categories: count,
  /** When the generation was published; `null` when no store knew. */
  publishedAt: time.nullable(),
  /** When every row was last computed or verified; `null` when no store knew. */
  lastUpdated: time.nullable(),
  startedAt: time,
  /** The version of Forewarm that wrote it. */
  version: z.string(),
});
export type BackupHeader = Readonly<z.infer<typeof headerLine>>;

export const rowLine = z.strictObject({
  category: z.string().min(1),
  computedAt: time,
  /** Hash of the inputs that the row was computed from, hexadecimal, where they are tracked. */
  inputs: z
    .string()
    .regex(/^([0-9a-f]{2})+$/)
    .optional(),
  /** K·C values, cell by cell, each the shortest decimal that is the same float32 again. */
  values: z.array(z.number()).optional(),
  /** The same as base64 of little-endian float32: with `values: packed`, and where a value is not finite. */
  packed: z.base64().optional(),
});
export type RowLine = Readonly<z.infer<typeof rowLine>>;

export const missingLine = z.strictObject({ missing: z.string().min(1) });
export type MissingLine = Readonly<z.infer<typeof missingLine>>;

export const trailerLine = z.strictObject({
  rows: count,
  missing: count,
  /** Of all bytes before this line, uncompressed. */
  sha256,
  finishedAt: time,
});
export type BackupTrailer = Readonly<z.infer<typeof trailerLine>>;

export const manifestSchema = z.strictObject({
  forewarm: z.literal('backup manifest'),
  format: z.literal(BACKUP_FORMAT),
  /** Name of the backup's file, beside this one. */
  file: z.string().min(1),
  /** Of the file as it is, compressed. */
  bytes: count,
  sha256,
  compression: z.enum(COMPRESSIONS),
  model: z.string().min(1),
  generation: generationId,
  modelVersion: z.string(),
  scope: z.enum(SCOPES),
  /** Counts up with each backup of the model: which came after which, whatever the clocks said. */
  sequence: z.int().positive(),
  rows: count,
  missing: count,
  /** Values in all rows: categories times cells times outputs. */
  predictions: count,
  lastUpdated: time.nullable(),
  startedAt: time,
  finishedAt: time,
  /** When the file was last read back and found good. */
  verifiedAt: time,
  /** Rows that were compared with the live ones then. */
  compared: count,
  /** SHA-256 of the manifest without this field, as `JSON.stringify` writes it. */
  manifestSha256: sha256,
});
/** What a list needs to know of a backup. It is written last: a backup that has one is whole, and was verified. */
export type BackupManifest = Readonly<z.infer<typeof manifestSchema>>;

export function parseHeader(text: string): BackupHeader | undefined {
  return parseJson(headerLine, text);
}
