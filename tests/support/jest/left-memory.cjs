/**
 * Shared memory that outlived a process that was killed: it takes room until the machine restarts, in containers a scarce one.
 * A PostgreSQL gives its own back at a clean end, or at its next start on the same data. Linux only.
 */
const { spawnSync } = require('node:child_process');
const { existsSync, readFileSync, readdirSync, rmSync, statSync } = require('node:fs');

const table = '/proc/sysvipc/shm';
const folder = '/dev/shm';

/** System V segments that nobody has attached. */
function segments() {
  if (!existsSync(table)) return [];
  const [names = [], ...rows] = readFileSync(table, 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return rows
    .map((row) => Object.fromEntries(names.map((name, i) => [name, Number(row[i])])))
    .filter(({ nattch }) => nattch === 0)
    .map(({ shmid, cpid, ctime }) => ({
      name: `segment ${shmid}`,
      pid: cpid,
      // In whole seconds, the one that had begun.
      madeMs: ctime * 1_000 + 999,
      remove: () => spawnSync('ipcrm', ['-m', String(shmid)]),
    }));
}

/** Files whose names end with the number of a process, such as those of libfaketime. */
function files() {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    const pid = Number(/_(\d+)$/.exec(name)?.[1]);
    const madeMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Number.NaN;
    return [{ name: path, pid, madeMs, remove: () => rmSync(path, { force: true }) }];
  });
}

/**
 * One line for each piece of shared memory that one of these processes, which have all ended, made since `sinceMs`; they are
 * removed.
 */
function leftMemory(pids, sinceMs) {
  const left = [...segments(), ...files()].filter(({ pid, madeMs }) => pids.has(pid) && madeMs >= sinceMs);
  for (const { remove } of left) remove();
  return left.map(({ name, pid }) => `shared memory of process ${pid}, which was killed: ${name}`);
}

module.exports = { leftMemory };
