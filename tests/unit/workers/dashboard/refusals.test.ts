import { appRoutes } from '@bull-board/api/dist/routes.js';
import { makeProgram } from '#workers/cli/program';
import { readOnly } from '#workers/dashboard/refusals';

const changing = appRoutes.api.filter(({ method }) => method !== 'get').map(({ route }) => String(route));
const pathOf = (route: string) =>
  `/queues${route.replace(/:(\w+)/g, (_, name) => (name === 'queueStatus' ? 'failed' : `some-${name}`))}`;

test.each<[string, RegExp]>([
  ['/queues/api/queues/pause', /`forewarm pause`/],
  ['/queues/api/queues/warm/resume', /`forewarm unpause`/],
  ['/queues/api/queues/warm/7/retry', /`forewarm retry CYCLE`/],
  ['/queues/api/queues/warm/retry/failed', /`forewarm retry CYCLE`/],
  ['/queues/api/queues/publish/7/clean', /`forewarm cancel CYCLE`/],
  ['/queues/api/queues/publish/clean/waiting-children', /`forewarm cancel CYCLE`/],
  ['/queues/api/queues/warm/obliterate', /`forewarm cancel CYCLE`/],
  ['/queues/api/queues/warm-batch/add', /`forewarm warm`/],
  ['/queues/api/queues/warm/job-schedulers/warm-calls/run', /`forewarm warm`/],
  ['/queues/api/queues/warm/job-schedulers/warm-calls/remove', /models\.NAME\.every/],
  ['/queues/api/queues/warm/job-schedulers/warm-calls', /models\.NAME\.every/],
  ['/queues/api/queues/warm/concurrency', /`forewarm pause`/],
])('%s is refused with what to use instead', (path, command) => {
  expect(readOnly(path)).toMatchObject({ code: 'FW_HTTP_READ_ONLY', next: expect.stringMatching(command) });
});

test.each(changing)("bull-board's %s names commands that are there", (route) => {
  const { message, next } = readOnly(pathOf(route));
  expect(message).toMatch(/^the dashboard does not /);
  const commands = new Set(makeProgram().commands.map((command) => command.name()));
  const named = [...next.matchAll(/`forewarm ([a-z]+)/g)].map(([, name]) => name);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((name) => !commands.has(name ?? ''))).toEqual([]);
});
