import type { Axis } from '../cache/grid';
import type { FeatureSettings } from '../features/feature-settings';
import type { InputSource } from '../model/spec';

/** A model file that may answer when no store has a row: as under `models.NAME` of `forewarm.yaml`. */
export interface ModelFile {
  readonly name: string;
  /** Path of the ONNX file. */
  readonly file: string;
  readonly version?: string | undefined;
  readonly axes: readonly Axis[];
  readonly inputs?: Readonly<Record<string, InputSource>> | undefined;
  /** Of the categories, for inputs that take some. */
  readonly features?: FeatureSettings | undefined;
  /** Period of the model's cycles: features are read again as often. */
  readonly everyMs?: number | undefined;
  readonly output?: string | readonly string[] | undefined;
  readonly classes?: readonly string[] | undefined;
  readonly outputs?: readonly string[] | undefined;
  /** The categories that are warmed, where they are known; a set may change. */
  readonly categories?: readonly string[] | ReadonlySet<string> | undefined;
  readonly staleAfterMs?: number | undefined;
  /** After so long a row that is written back to Redis is deleted, unless a cycle sees to it. */
  readonly expireAfterMs?: number | undefined;
  readonly unknownCategories?: UnknownCategories | undefined;
}

/** What becomes of a question for a category that is not warmed. */
export const UNKNOWN_CATEGORIES = ['compute', 'refuse'] as const;
export type UnknownCategories = (typeof UNKNOWN_CATEGORIES)[number];
