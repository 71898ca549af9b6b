import { type Axis, cellText } from '../cache/grid';

/** What a generation is held to before it takes the place of the live one. Pure. */

export interface Bounds {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

export interface GateSettings {
  /** For every output, or by the name of each. */
  readonly bounds: Bounds | Readonly<Record<string, Bounds>> | undefined;
  readonly maxDrift: DriftLimits | undefined;
}

/** How far a generation may be from the live one. Absent limits do not hold. */
export interface DriftLimits {
  /** Of the mean relative change: the sum of all differences, by the sum of the sizes of all live values. */
  readonly mean?: number | undefined;
  /** Of the share of values that are further than `band` from what is live. */
  readonly share?: number | undefined;
  /** Relative to the size of the live value, or to the mean size of all of the row where that is larger. */
  readonly band: number;
}

export const GATES = ['finite', 'coverage', 'bounds', 'drift'] as const;
export type Gate = (typeof GATES)[number];

export interface Refusal {
  readonly gate: Gate;
  /** The figures and the limit, one line. */
  readonly says: string;
}

/** A value that speaks against a generation. */
export interface WorstCell {
  readonly category: string;
  /** Such as `day=3 hour=12`. */
  readonly cell: string;
  readonly output: string;
  /** `null` for one that is not finite, which JSON cannot say. */
  readonly value: number | null;
  /** What is live; `null` where nothing is, or nothing that can be compared. */
  readonly live: number | null;
}

export interface GateFigures {
  /** Rows that should be there, and those that are not. */
  readonly expected: number;
  readonly missing: number;
  readonly values: number;
  readonly notFinite: number;
  readonly outOfBounds: number;
  /** Values that could be compared with live ones. */
  readonly compared: number;
  /** `null` where nothing could be compared. */
  readonly meanChange: number | null;
  /** Share of compared values outside of the band. */
  readonly changedShare: number | null;
}

export interface GateReport {
  readonly passed: boolean;
  readonly refusals: readonly Refusal[];
  readonly figures: GateFigures;
  /** The five that speak most against it: of the first gate that refuses, or those that changed most. */
  readonly worst: readonly WorstCell[];
}

const WORST = 5;
const NAMED = 3;
export const DEFAULT_BAND = 0.5;

interface Candidate {
  readonly category: string;
  readonly position: number;
  readonly value: number;
  readonly live: number | undefined;
  readonly weight: number;
}

/** Looks at the rows of a generation, one after the other, and tells whether it may go live. */
export class GateKeeper {
  private readonly axes: readonly Axis[];
  private readonly outputs: readonly string[];
  private readonly bounds: readonly Bounds[];
  private readonly drift: DriftLimits | undefined;
  private readonly band: number;
  private readonly missing: string[] = [];
  private rows = 0;
  private values = 0;
  private notFinite = 0;
  private outOfBounds = 0;
  private compared = 0;
  private outside = 0;
  private difference = 0;
  private size = 0;
  private readonly worst: Record<'finite' | 'bounds' | 'drift', Candidate[]> = { finite: [], bounds: [], drift: [] };

  constructor(shape: { readonly axes: readonly Axis[]; readonly outputs: readonly string[] }, settings: GateSettings) {
    this.axes = shape.axes;
    this.outputs = shape.outputs;
    this.bounds = shape.outputs.map((output) => boundsOf(settings.bounds, output));
    this.drift = settings.maxDrift;
    this.band = settings.maxDrift?.band ?? DEFAULT_BAND;
  }

  /** @param live the row of the live generation, where there is one of the same shape */
  add(category: string, values: Float32Array, live: Float32Array | undefined): void {
    this.rows += 1;
    this.values += values.length;
    const mean = live === undefined ? 0 : meanSize(live);
    for (let i = 0; i < values.length; i++) {
      const value = values[i] as number;
      const before = live?.[i];
      if (!Number.isFinite(value)) {
        this.notFinite += 1;
        this.note('finite', { category, position: i, value, live: before, weight: 1 });
        continue;
      }
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } =
        this.bounds[i % this.outputs.length] ?? {};
      if (value < min || value > max) {
        this.outOfBounds += 1;
        this.note('bounds', { category, position: i, value, live: before, weight: Math.max(min - value, value - max) });
      }
      if (before === undefined || !Number.isFinite(before)) continue;
      const change = Math.abs(value - before);
      this.compared += 1;
      this.difference += change;
      this.size += Math.abs(before);
      if (change > this.band * Math.max(Math.abs(before), mean)) this.outside += 1;
      if (change > 0) this.note('drift', { category, position: i, value, live: before, weight: change });
    }
  }

  /** A row that is not there, or not whole. */
  lacks(category: string): void {
    this.missing.push(category);
  }

  /** A value of a row that was not stored because of it. */
  refused(category: string, position: number, value: number): void {
    this.notFinite += 1;
    this.note('finite', { category, position, value, live: undefined, weight: 1 });
  }

  report(): GateReport {
    const figures: GateFigures = {
      expected: this.rows + this.missing.length,
      missing: this.missing.length,
      ...{ values: this.values, notFinite: this.notFinite, outOfBounds: this.outOfBounds, compared: this.compared },
      // Where all that is live is 0, any difference is endless.
      meanChange: this.compared === 0 ? null : this.difference === 0 ? 0 : this.difference / this.size,
      changedShare: this.compared === 0 ? null : this.outside / this.compared,
    };
    const refusals = this.refusals(figures);
    const first = refusals.find(({ gate }) => gate !== 'coverage')?.gate ?? 'drift';
    return {
      passed: refusals.length === 0,
      refusals,
      figures,
      worst: this.worst[first as keyof typeof this.worst].map((candidate) => this.cellOf(candidate)),
    };
  }

  private refusals(figures: GateFigures): Refusal[] {
    const refusals: Refusal[] = [];
    if (this.notFinite > 0) {
      refusals.push({ gate: 'finite', says: `${count(this.notFinite, 'value is', 'values are')} not finite` });
    }
    if (this.missing.length > 0) {
      const some = this.missing.slice(0, NAMED).map((category) => JSON.stringify(category));
      const more = this.missing.length > NAMED ? ', ...' : '';
      const rows = `${count(this.missing.length, 'row', 'rows')} of ${figures.expected}`;
      refusals.push({ gate: 'coverage', says: `${rows} missing: ${some.join(', ')}${more}` });
    }
    if (this.outOfBounds > 0) {
      const says = `${count(this.outOfBounds, 'value is', 'values are')} outside of ${this.boundsText()}`;
      refusals.push({ gate: 'bounds', says });
    }
    const { meanChange, changedShare } = figures;
    const { mean, share } = this.drift ?? {};
    if (mean !== undefined && meanChange !== null && meanChange > mean) {
      const says = `the mean relative change is ${percent(meanChange)}, more than ${percent(mean)}`;
      refusals.push({ gate: 'drift', says });
    }
    if (share !== undefined && changedShare !== null && changedShare > share) {
      const what = `${percent(changedShare)} of the values changed by more than ${percent(this.band)}`;
      refusals.push({ gate: 'drift', says: `${what}; allowed are ${percent(share)}` });
    }
    return refusals;
  }

  private boundsText(): string {
    const one = ({ min, max }: Bounds): string => `${min ?? '-∞'} to ${max ?? '∞'}`;
    const texts = this.bounds.map(one);
    if (new Set(texts).size === 1) return texts[0] ?? '';
    return this.outputs.map((output, k) => `${output} ${texts[k]}`).join(', ');
  }

  /** Keeps the weightiest. */
  private note(gate: keyof typeof this.worst, candidate: Candidate): void {
    const worst = this.worst[gate];
    const last = worst.at(-1);
    if (worst.length === WORST && last !== undefined && candidate.weight <= last.weight) return;
    worst.push(candidate);
    worst.sort((a, b) => b.weight - a.weight);
    if (worst.length > WORST) worst.pop();
  }

  private cellOf({ category, position, value, live }: Candidate): WorstCell {
    const k = position % this.outputs.length;
    return {
      category,
      cell: cellText(this.axes, (position - k) / this.outputs.length),
      output: this.outputs[k] ?? '',
      value: Number.isFinite(value) ? value : null,
      live: live === undefined || !Number.isFinite(live) ? null : live,
    };
  }
}

/** A cell that speaks against a generation, one line. */
export function worstText({ category, cell, output, value, live }: WorstCell): string {
  const was = live === null ? '' : `, live ${shown(live)}`;
  return `${JSON.stringify(category)} ${cell}: ${output} ${value === null ? 'not finite' : shown(value)}${was}`;
}

/** As many digits as a float32 has. */
function shown(value: number): string {
  return String(Number(value.toPrecision(7)));
}

/** What refuses a generation, one line. */
export function refusalText({ refusals }: GateReport): string {
  return refusals.map(({ gate, says }) => `gate ${gate}: ${says}`).join('; ');
}

function boundsOf(bounds: GateSettings['bounds'], output: string): Bounds {
  if (bounds === undefined) return {};
  return isBounds(bounds) ? bounds : (bounds[output] ?? {});
}

/** A map that is no bounds has them by output. */
export function isBounds(bounds: Bounds | Readonly<Record<string, Bounds>>): bounds is Bounds {
  return Object.values(bounds).every((value) => typeof value !== 'object');
}

function meanSize(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += Math.abs(values[i] as number);
  const mean = sum / values.length;
  return Number.isFinite(mean) ? mean : 0;
}

export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

function count(n: number, one: string, many: string): string {
  return `${n} ${n === 1 ? one : many}`;
}
