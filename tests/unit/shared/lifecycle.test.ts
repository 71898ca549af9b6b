import { type LifecycleObserver, type Service, ServiceGroup } from '#shared/lifecycle';

interface Script {
  readonly start?: () => Promise<void>;
  readonly stop?: () => Promise<void>;
}

/** Services that write down what is asked of them. */
class Stage {
  readonly calls: string[] = [];
  readonly events: string[] = [];
  readonly observe: LifecycleObserver = ({ service, step, ms, error }) => {
    expect(ms).toBeGreaterThanOrEqual(0);
    this.events.push(`${service} ${step}${error === undefined ? '' : `: ${error}`}`);
  };

  service(name: string, script: Script = {}): Service {
    return {
      name,
      start: async () => {
        this.calls.push(`start ${name}`);
        await script.start?.();
      },
      stop: async () => {
        this.calls.push(`stop ${name}`);
        await script.stop?.();
      },
    };
  }
}

function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

test('services start first to last and stop last to first', async () => {
  const group = new ServiceGroup('all', [stage.service('a'), stage.service('b'), stage.service('c')], stage.observe);
  expect(group.name).toBe('all');
  await group.start();
  await group.stop();
  expect(stage.calls).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  expect(stage.events).toEqual(['a started', 'b started', 'c started', 'c stopped', 'b stopped', 'a stopped']);
});

test('each service is awaited before the next one', async () => {
  const first = gate();
  const group = new ServiceGroup('all', [stage.service('a', { start: () => first.opened }), stage.service('b')]);
  const started = group.start();
  await Promise.resolve();
  expect(stage.calls).toEqual(['start a']);
  first.open();
  await started;
  expect(stage.calls).toEqual(['start a', 'start b']);
});

test('a start that fails is undone, and its error is what is told', async () => {
  const failing = stage.service('b', { start: () => Promise.reject(new Error('port is taken')) });
  const group = new ServiceGroup('all', [stage.service('a'), failing, stage.service('c')], stage.observe);
  await expect(group.start()).rejects.toThrow('port is taken');
  // All are stopped: one that was never started may hold something since it was made.
  expect(stage.calls).toEqual(['start a', 'start b', 'stop c', 'stop b', 'stop a']);
  expect(stage.events).toEqual(['a started', 'c stopped', 'b stopped', 'a stopped']);
});

test('stopping twice, also at the same time, stops each service once', async () => {
  const group = new ServiceGroup('all', [stage.service('a')]);
  await group.start();
  await Promise.all([group.stop(), group.stop()]);
  await group.stop();
  expect(stage.calls).toEqual(['start a', 'stop a']);
});

test('a second stop waits for the first', async () => {
  const last = gate();
  const group = new ServiceGroup('all', [stage.service('a', { stop: () => last.opened })]);
  await group.start();
  let ended = false;
  void group.stop();
  const second = group.stop().then(() => {
    ended = true;
  });
  await new Promise(setImmediate);
  expect(ended).toBe(false);
  last.open();
  await second;
  expect(ended).toBe(true);
});

test('a stop before any start is safe, and a start after it starts nothing', async () => {
  const group = new ServiceGroup('all', [stage.service('a'), stage.service('b')]);
  await group.stop();
  await group.start();
  expect(stage.calls).toEqual(['stop b', 'stop a']);
});

test('a stop while services are starting wins: nothing more is started, and what comes up late is stopped again', async () => {
  const first = gate();
  const group = new ServiceGroup('all', [stage.service('a', { start: () => first.opened }), stage.service('b')]);
  const started = group.start();
  const stopped = group.stop();
  first.open();
  await Promise.all([started, stopped]);
  expect(stage.calls).toEqual(['start a', 'stop b', 'stop a', 'stop a']);
});

test('a stop that fails keeps no other service from being stopped', async () => {
  const failing = stage.service('b', { stop: () => Promise.reject(new Error('no answer')) });
  const group = new ServiceGroup('all', [stage.service('a'), failing, stage.service('c')], stage.observe);
  await group.start();
  await expect(group.stop()).resolves.toBeUndefined();
  expect(stage.calls.slice(3)).toEqual(['stop c', 'stop b', 'stop a']);
  expect(stage.events.slice(3)).toEqual(['c stopped', 'b stop failed: Error: no answer', 'a stopped']);
});

test('a group is a service: groups nest', async () => {
  const inner = new ServiceGroup('inner', [stage.service('b'), stage.service('c')]);
  const group = new ServiceGroup('outer', [stage.service('a'), inner, stage.service('d')], stage.observe);
  await group.start();
  await group.stop();
  expect(stage.calls).toEqual(
    ['a', 'b', 'c', 'd'].map((name) => `start ${name}`).concat(['d', 'c', 'b', 'a'].map((name) => `stop ${name}`)),
  );
  expect(stage.events).toContain('inner started');
});
