import type { Compression } from './documents';

/** `20261126T031500123Z-calls-0123456789ab`: when it was begun, the model, its generation. Names sort by time. */
const NAME = /^(\d{8}T\d{9}Z)-([a-z0-9][a-z0-9_-]{0,63})-([0-9a-f]{12})$/;

const DATA_ENDINGS = { gzip: '.jsonl.gz', none: '.jsonl' } as const satisfies Record<Compression, string>;
export const MANIFEST_ENDING = '.manifest.json';

export interface BackupName {
  /** Without the endings. */
  readonly name: string;
  readonly model: string;
  readonly generation: string;
}

export function backupName(startedAt: Date, model: string, generation: string): string {
  return `${startedAt.toISOString().replaceAll(/[-:.]/g, '')}-${model}-${generation}`;
}

export function dataFile(name: string, compression: Compression): string {
  return `${name}${DATA_ENDINGS[compression]}`;
}

export function manifestFile(name: string): string {
  return `${name}${MANIFEST_ENDING}`;
}

/** What the name of a backup's file or of its manifest tells; `undefined` for other files. */
export function parseName(file: string): BackupName | undefined {
  const ending = [...Object.values(DATA_ENDINGS), MANIFEST_ENDING].find((candidate) => file.endsWith(candidate));
  const name = ending === undefined ? file : file.slice(0, -ending.length);
  const [, , model, generation] = NAME.exec(name) ?? [];
  return model === undefined || generation === undefined ? undefined : { name, model, generation };
}

export function isDataFile(file: string): boolean {
  return parseName(file) !== undefined && Object.values(DATA_ENDINGS).some((ending) => file.endsWith(ending));
}
