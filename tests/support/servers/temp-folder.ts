import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test hands to the servers instead of reading the environment in many places. */
export const TEST_ENVIRONMENT = { PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR };

/** A new folder that other users may pass through: as root, PostgreSQL runs as somebody else. */
export function makeTempFolder(purpose: string): string {
  const folder = mkdtempSync(join(tmpdir(), `forewarm-${purpose}-`));
  chmodSync(folder, 0o711);
  return folder;
}

/** `undefined` is passed over, so that a test can remove what it may not have made. */
export function removeFolders(...folders: readonly (string | undefined)[]): void {
  for (const folder of folders) {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}
