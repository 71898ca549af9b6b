import type { ForewarmError } from '#shared/errors';
import type { CycleRecord } from '#shared/store/history-store';
import type { Published } from './publish-cycle';
import type { SettledCycle } from './settle-cycle';

/** Batches and rows that fail do so for a few reasons; more are not worth a trace. */
const CODES = 5;

/**
 * Why a cycle is not complete, as the run history has it but without a name of a category or a value: only what kind of
 * trouble, with codes of the catalogue. Pure.
 */
export function plainReasons(
  { reason }: Pick<CycleRecord, 'reason'>,
  { batches, failed, behind }: Pick<SettledCycle, 'batches' | 'failed' | 'behind'>,
  published: Pick<Published, 'withheld' | 'gone'> | undefined,
  error?: ForewarmError,
): string[] {
  const cancelled = batches.filter(({ state }) => state === 'cancelled').length;
  const codes = new Set(batches.flatMap((batch) => [...codeOf(batch), ...batch.failures.map(({ code }) => code)]));
  const named = codes.size === 0 ? '' : `: ${[...codes].slice(0, CODES).join(', ')}`;
  const reasons = [
    ...(error === undefined ? [] : [`not published: ${error.code}`]),
    ...(cancelled === 0 ? [] : [cancelled === 1 ? '1 batch cancelled' : `${cancelled} batches cancelled`]),
    ...(failed === 0 ? [] : [failed === 1 ? `1 row failed${named}` : `${failed} rows failed${named}`]),
    ...(behind ? ['rows not copied to PostgreSQL'] : []),
    ...(published?.withheld == null || cancelled > 0 ? [] : ['generation withheld']),
    ...(published?.gone == null ? [] : ['rows gone from the cache']),
  ];
  return reasons.length === 0 && reason !== null ? ['see the run history'] : reasons;
}

/** A batch that failed has its error as text, which begins with its code. */
function codeOf({ state, error }: SettledCycle['batches'][number]): string[] {
  const code = state === 'failed' ? /^FW_[A-Z_]+/.exec(error ?? '')?.[0] : undefined;
  return code === undefined ? [] : [code];
}
