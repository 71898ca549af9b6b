import { environment } from '#shared/config/environment';

test('the environment is a snapshot that nobody can change', () => {
  process.env.FOREWARM_TEST_SNAPSHOT = 'before';
  const snapshot = environment();
  process.env.FOREWARM_TEST_SNAPSHOT = 'after';
  delete process.env.FOREWARM_TEST_SNAPSHOT;
  expect(snapshot.FOREWARM_TEST_SNAPSHOT).toBe('before');
  expect(Object.isFrozen(snapshot)).toBe(true);
});
