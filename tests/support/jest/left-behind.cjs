/** What a test file started and did not stop. Linux reads /proc; elsewhere `ps` finds descendants only. */
const { execFileSync } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { leftMemory } = require('./left-memory.cjs');

/** Inherited by each child process, so that one is recognised after its parent has died. */
const marker = 'FOREWARM_TEST_FILE';
const pollMs = 25;
/** How often descendants are noted while a file runs: an orphan that does not carry the marker was one of them before. */
const noteEveryMs = 200;
/** Kinds of `process.getActiveResourcesInfo()` that a test file has to close. */
const handleKinds = [
  'ProcessWrap',
  'TCPSocketWrap',
  'TCPServerWrap',
  'PipeWrap',
  'PipeServerWrap',
  'UDPWrap',
  'Timeout',
  'MessagePort',
];

/** Every process that is not a zombie: pid → parent and command line. */
function processes() {
  if (!existsSync('/proc/self/stat')) {
    const lines = execFileSync('ps', ['-axo', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' }).trim().split('\n');
    const fields = lines
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
      .filter((match) => match !== null);
    return new Map(
      fields
        .filter(([, , , state, command]) => !state.startsWith('Z') && !command.startsWith('ps -axo'))
        .map(([, pid, parent, , command]) => [Number(pid), { parent: Number(parent), command }]),
    );
  }
  const found = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent, ...more] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || state === 'X') continue;
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      found.set(Number(name), { parent: Number(parent), command, startedAt: more[17] });
    } catch {
      // It ended while we looked, which is what we hope for.
    }
  }
  return found;
}

function isMarked(pid, value) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${marker}=${value}`);
  } catch {
    return false;
  }
}

function descendsFromUs(pid, all) {
  for (let parent = all.get(pid)?.parent; parent !== undefined && parent > 1; parent = all.get(parent)?.parent) {
    if (parent === process.pid) return true;
  }
  return false;
}

function countHandles() {
  const counts = new Map();
  for (const kind of process.getActiveResourcesInfo()) {
    if (handleKinds.includes(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

/**
 * Notes what runs now. `leftBehind(graceMs)` waits until everything started since has ended, at most `graceMs`, and answers with one
 * line for each thing that has not; it kills the processes among them, so that the next test file starts clean.
 */
function watchResources() {
  // These open on first use, as a pipe when the output is one: let that be before we count.
  void [process.stdout, process.stderr];
  const value = randomUUID();
  const outerValue = process.env[marker];
  process.env[marker] = value;
  const processesBefore = processes();
  const handlesBefore = countHandles();
  const startedAtMs = Date.now();
  const threads = new Set();
  const noteThread = (worker) => {
    threads.add(worker);
    worker.once('exit', () => threads.delete(worker));
  };
  process.on('worker', noteThread);
  const descendants = new Map();
  const noteDescendants = () => {
    const all = processes();
    for (const [pid, { startedAt }] of all) {
      if (!processesBefore.has(pid) && descendsFromUs(pid, all)) descendants.set(pid, startedAt);
    }
  };
  const notes = setInterval(noteDescendants, noteEveryMs).unref();
  // With the same start time it is the same process, and not another that got its number.
  const wasDescendant = (pid, { startedAt }) => descendants.has(pid) && descendants.get(pid) === startedAt;

  const newProcesses = () => {
    const all = processes();
    return [...all].filter(
      ([pid, entry]) =>
        pid !== process.pid &&
        !processesBefore.has(pid) &&
        (descendsFromUs(pid, all) || wasDescendant(pid, entry) || isMarked(pid, value)),
    );
  };
  const newHandles = () =>
    [...countHandles()]
      .map(([kind, count]) => [kind, count - (handlesBefore.get(kind) ?? 0)])
      .filter(([, surplus]) => surplus > 0);

  return {
    /** What the test file is marked with. */
    file: value,
    async leftBehind(graceMs) {
      clearInterval(notes);
      if (outerValue === undefined) delete process.env[marker];
      else process.env[marker] = outerValue;

      const deadline = performance.now() + graceMs;
      let children = newProcesses();
      let handles = newHandles();
      while (children.length + handles.length + threads.size > 0 && performance.now() < deadline) {
        await sleep(pollMs);
        children = newProcesses();
        handles = newHandles();
      }
      process.off('worker', noteThread);
      for (const [pid] of children) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended in the meantime.
        }
      }
      return [
        ...children.map(([pid, { command }]) => `process ${pid}: ${command.slice(0, 200)}`),
        ...handles.map(([kind, surplus]) => `${surplus} × ${kind}`),
        ...(threads.size > 0 ? [`${threads.size} × worker thread`] : []),
        ...leftMemory(descendants, startedAtMs),
      ];
    },
  };
}

module.exports = { watchResources };
