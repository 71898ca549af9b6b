/**
 * The sample model can be trained anew to the same bytes, and is as good as it has to be.
 * Training and onnxruntime run in a child process: under jest the runtime meets typed arrays of another realm.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(__dirname, '../..');
const SAMPLE = path.join(ROOT, 'samples/montco911');
const PROGRAM = path.join(ROOT, 'dist/scripts/train-sample-model/main.js');
const MOST_BYTES = 1_000_000;

interface Accuracy {
  readonly deviance: number;
  readonly absoluteError: number;
}

interface Evaluation {
  readonly bytes: number;
  readonly sha256: string;
  readonly heldOut: { readonly model: Accuracy; readonly baseline: Accuracy; readonly noiseFloor: Accuracy };
  readonly differentBits: readonly { readonly asked: string; readonly cells: number }[];
}

const train = (...args: string[]) => promisify(execFile)(process.execPath, [PROGRAM, ...args], { cwd: ROOT });

describe('the sample model', () => {
  let folder: string;
  let retrained: string;
  let evaluation: Evaluation;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sample-model-'));
    retrained = path.join(folder, 'model.onnx');
    evaluation = JSON.parse((await train('--out', retrained, '--json')).stdout) as Evaluation;
  }, 120_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is trained to the committed bytes, under 1 MB', async () => {
    const committed = await readFile(path.join(SAMPLE, 'model.onnx'));
    expect((await readFile(retrained)).equals(committed)).toBe(true);
    expect(evaluation.bytes).toBe(committed.length);
    expect(committed.length).toBeLessThan(MOST_BYTES);
  });

  it('has its own sha256 and figures in the committed model card', async () => {
    const card = await readFile(path.join(SAMPLE, 'MODEL_CARD.md'), 'utf8');
    const { deviance, absoluteError } = evaluation.heldOut.model;
    expect(card).toContain(evaluation.sha256);
    expect(card).toContain(`| this model | ${deviance.toFixed(3)} | ${absoluteError.toFixed(3)} |`);
  });

  it('keeps within the bounds on the held-out weeks', () => {
    expect(evaluation.heldOut.model.deviance).toBeLessThanOrEqual(0.72);
    expect(evaluation.heldOut.model.absoluteError).toBeLessThanOrEqual(0.56);
  });

  it('is measured as the per-cell mean is known to measure', () => {
    expect(evaluation.heldOut.baseline.deviance).toBeCloseTo(0.869, 3);
    expect(evaluation.heldOut.baseline.absoluteError).toBeCloseTo(0.609, 3);
  });

  it('answers with the same bits in every batch and order', () => {
    expect(evaluation.differentBits.length).toBeGreaterThan(0);
    expect(evaluation.differentBits.filter(({ cells }) => cells !== 0)).toEqual([]);
  });

  it('passes its own check', async () => {
    expect((await train('--check')).stdout).toContain('are what this script writes');
  }, 120_000);
});

describe('the command line of train-sample-model', () => {
  it.each([
    [['--nonsense'], "error: Unknown option '--nonsense'"],
    [['--check', '--validate'], 'error: --out, --check and --validate exclude one another'],
  ])('%j is refused in one line', async (args, line) => {
    const failure = await train(...args).catch((error: { code: number; stderr: string }) => error);
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining(line) });
    expect(failure.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('says in one line that it cannot write', async () => {
    const file = path.join(tmpdir(), `no-folder-${process.pid}`, 'model.onnx');
    const failure = await train('--out', file, '--json').catch((error: { code: number; stderr: string }) => error);
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringContaining(`error: cannot write ${file}`) });
  }, 120_000);
});
