import { AwakeTimer } from '#shared/awake-timer';

let nowMs = 0;
let ended = 0;
const end = () => {
  ended += 1;
};

beforeEach(() => {
  nowMs = 0;
  ended = 0;
  jest.useFakeTimers({ doNotFake: ['performance'] });
  jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

/** Time in which this process runs. */
function awake(ms: number): void {
  for (let passed = 0; passed < ms; passed += 10) {
    nowMs += 10;
    jest.advanceTimersByTime(10);
  }
}

test('it ends once, a step after its time at the latest', () => {
  new AwakeTimer(60_000, end);
  awake(59_000);
  expect(ended).toBe(0);
  awake(2_000);
  expect(ended).toBe(1);
  awake(120_000);
  expect(ended).toBe(1);
});

test('a minute of sleep counts as two steps', () => {
  new AwakeTimer(10_000, end);
  awake(5_000);
  nowMs += 60_000;
  awake(3_500);
  expect(ended).toBe(0);
  awake(2_000);
  expect(ended).toBe(1);
});

test('a short limit is met as well', () => {
  new AwakeTimer(100, end);
  awake(90);
  expect(ended).toBe(0);
  awake(20);
  expect(ended).toBe(1);
});

test('one that was cleared does not end', () => {
  const timer = new AwakeTimer(1_000, end);
  awake(900);
  timer.clear();
  awake(1_000);
  expect(ended).toBe(0);
  expect(jest.getTimerCount()).toBe(0);
});
