import fc from 'fast-check';
import { maskText, maskUrl } from '#shared/config/secrets';

describe('maskUrl', () => {
  test.each([
    ['redis://127.0.0.1:6379/0', 'redis://127.0.0.1:6379/0'],
    ['redis://:pw@host', 'redis://:***@host'],
    ['rediss://user:p:w@host:1/2', 'rediss://user:***@host:1/2'],
    ['redis://user:p@w/x@host', 'redis://user:***@host'],
    ['postgres://me@host/db?password=pw&ssl=1', 'postgres://me@host/db?password=***&ssl=1'],
    ['postgres://host/db?ssl=1&PassWord=a=b', 'postgres://host/db?ssl=1&PassWord=***'],
    ['postgres://host/db?p%61ssword=pw', 'postgres://host/db?p%61ssword=***'],
    ['postgres://host/db?%=pw', 'postgres://host/db?%=***'],
    ['redis://user:p?w@host', 'redis://***'],
    ['redis://user:p#w@host', 'redis://***'],
    ['postgres://host:1/db?password=a@b', 'postgres://***'],
    ['postgres://u:pw@/db?host=/run/pg', 'postgres://u:***@/db?host=/run/pg'],
    ['/run/redis.sock', '/run/redis.sock'],
    ['unix:///run/redis.sock', 'unix:///run/redis.sock'],
    ['user:pw@host', '***'],
    ['redis:/user:pw@host', '***'],
    ['host=h password=pw', '***'],
  ])('%s is shown as %s', (url, shown) => expect(maskUrl(url)).toBe(shown));

  const password = fc.string({ minLength: 1, maxLength: 20 }).map((text) => `S3CR3T${text}S3CR3T`);

  test('a password is never shown, escaped or not, before the host or in the query', () => {
    const forms = (secret: string) => [
      `redis://user:${secret}@host:6379/0`,
      `redis://:${secret}@host`,
      `postgres://u:${secret}@h/db?sslmode=require`,
      `postgres://u@h/db?password=${encodeURIComponent(secret)}`,
    ];
    fc.assert(
      fc.property(password, (secret) => {
        for (const url of [...forms(secret), ...forms(encodeURIComponent(secret))]) {
          expect(maskUrl(url)).not.toContain('S3CR3T');
        }
      }),
    );
  });
});

test.each([
  ['  cache: redis://u:pw@host:1 # mine', '  cache: redis://u:***@host:1 # mine'],
  ['  password: pw pw', '  password: ***'],
  ['  "db_password" : pw', '  "db_password" : ***'],
  ['  url: postgres://h/d?password=pw&x=1', '  url: postgres://h/d?password=***'],
  ['  every: 20s', '  every: 20s'],
])('the line %j is shown as %j', (line, shown) => expect(maskText(line)).toBe(shown));
