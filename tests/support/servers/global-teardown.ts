import type { GlobalServers } from './global-setup';

export default async function globalTeardown(): Promise<void> {
  const servers = globalThis as GlobalServers;
  await servers.forewarmTestPostgres?.stop();
  servers.forewarmTestPostgres = undefined;
}
