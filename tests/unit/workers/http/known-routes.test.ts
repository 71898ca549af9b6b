import Fastify from 'fastify';
import { KnownRoutes } from '#workers/http/known-routes';

test('a path that is there with other methods is told from one that is not', async () => {
  const app = Fastify();
  const routes = new KnownRoutes(app);
  await app.register(
    async (scope) => {
      scope.get('/models/:model/rows', () => 'ok');
      scope.post('/models/:model/warm', () => 'ok');
      scope.get('/a.b', () => 'ok');
      scope.get('/files/*', () => 'ok');
    },
    { prefix: '/v1' },
  );
  await app.ready();
  expect(routes.methodsAt('/v1/models/m/rows')).toEqual(['GET', 'HEAD']);
  expect(routes.methodsAt('/v1/models/m/warm')).toEqual(['POST']);
  expect(routes.methodsAt('/v1/files/a/b')).toEqual(['GET', 'HEAD']);
  for (const path of ['/v1/models/m', '/v1/models/m/n/rows', '/models/m/rows', '/v1/aXb', '/v1/models//rows', '/']) {
    expect([path, routes.methodsAt(path)]).toEqual([path, []]);
  }
  await app.close();
});
