import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type BrowserContext, type Page, chromium as playwright } from 'playwright-core';
import { makeTempFolder, removeFolders } from './servers/temp-folder';

/** It stays off the network but for the pages of the test. */
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  '--disable-quic',
  '--disable-gpu',
];

/** Generous: it bounds a test that goes wrong, it is never waited for. */
const LIMIT_MS = 60_000;

/** The path of a Chromium that works; `undefined` where there is none, and tests that need it are left out. */
export const chromium: string | undefined = findChromium();

function findChromium(): string | undefined {
  // The names that scripts/lib/install.sh looks for.
  const name = ['chromium', 'chromium-browser', 'google-chrome'].find(
    (candidate) => spawnSync(candidate, ['--version']).status === 0,
  );
  return name && execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
}

/** A real headless Chromium with a profile and a home of its own. `stop()` it, or the test file leaks it. */
export class TestBrowser {
  /** Every address that a page asked for, in order. */
  readonly requested: string[] = [];
  /** What pages wrote to their console as an error, and what they threw. */
  readonly errors: string[] = [];
  private readonly context: BrowserContext;
  private readonly folder: string;

  private constructor(context: BrowserContext, folder: string) {
    this.context = context;
    this.folder = folder;
    context.setDefaultTimeout(LIMIT_MS);
    context.on('request', (request) => this.requested.push(request.url()));
    context.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(`${message.location().url}: ${message.text()}`);
    });
    context.on('weberror', (error) => this.errors.push(String(error.error())));
  }

  static async start(): Promise<TestBrowser> {
    if (chromium === undefined) throw new Error('there is no chromium on the PATH');
    const folder = makeTempFolder('browser');
    try {
      const context = await playwright.launchPersistentContext(join(folder, 'profile'), {
        executablePath: chromium,
        // Its crash reports and its settings of the desktop are not in the profile.
        env: { ...process.env, HOME: folder },
        headless: true,
        locale: 'en-US',
        viewport: { width: 1280, height: 900 },
        // The sandbox refuses root.
        args: [...QUIET, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
      });
      return new TestBrowser(context, folder);
    } catch (error) {
      removeFolders(folder);
      throw error;
    }
  }

  newPage(): Promise<Page> {
    return this.context.newPage();
  }

  async stop(): Promise<void> {
    await this.context.close();
    removeFolders(this.folder);
  }
}
