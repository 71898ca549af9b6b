import type { FeatureValue } from '../model/spec';

/** What becomes of a category of which a feature is missing: it is not computed, or a default stands for it. */
export const MISSING_POLICIES = ['reject', 'default'] as const;
export type MissingPolicy = (typeof MISSING_POLICIES)[number];

/** Where the features of a model's categories come from. */
export interface FeatureSettings {
  readonly from:
    | { readonly rows: readonly Readonly<Record<string, unknown>>[] }
    | { readonly file: string }
    | { readonly query: string };
  /** As messages name it. */
  readonly source: string;
  /** The database of a query, where it is not that of Forewarm. */
  readonly url: string | undefined;
  /** Of a query, milliseconds. */
  readonly timeLimitMs: number;
  /** Name of the column with the category. */
  readonly column: string;
  /** Name of the column that says when a record was made. */
  readonly time: string | undefined;
  readonly missing: MissingPolicy;
  readonly defaults: Readonly<Record<string, FeatureValue>>;
}
