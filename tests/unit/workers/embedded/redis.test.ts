import { readAnswer } from '#workers/embedded/redis-ping';
import { installCommand } from '#workers/embedded/redis-program';

test.each([
  ['', undefined],
  ['+OK\r\n', undefined],
  ['+OK\r\n+PO', undefined],
  ['+OK\r\n+PONG\r\n', 'ready'],
  ['+OK\r\n-LOADING Redis is loading the dataset in memory\r\n', 'loading'],
  ['-WRONGPASS invalid username-password pair\r\n-NOAUTH Authentication required.\r\n', 'refused'],
  ['HTTP/1.1 400 Bad Request\r\n\r\n', 'refused'],
])('the reply %j means %s', (received, meaning) => {
  expect(readAnswer(received)).toBe(meaning);
});

test.each([
  ['linux', 'ID=debian\n', false, 'sudo apt-get install redis-server'],
  ['linux', 'NAME="x"\nID=debian\n', true, 'apt-get install redis-server'],
  ['linux', 'ID=linuxmint\nID_LIKE="ubuntu debian"\n', false, 'sudo apt-get install redis-server'],
  ['linux', 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', true, 'dnf install redis'],
  ['linux', 'ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', true, 'zypper install redis'],
  ['linux', 'ID=alpine\n', true, 'apk add redis'],
  ['linux', 'ID=constructor\n', true, undefined],
  ['linux', '', true, undefined],
  ['darwin', '', false, 'brew install redis'],
] as const)('on %s with %j (root: %s) Redis is installed by %s', (platform, release, root, command) => {
  expect(installCommand(platform, release, root)).toBe(command);
});
