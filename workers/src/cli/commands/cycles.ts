import type { Command } from 'commander';
import { findCycle } from '#jobs/cycle/find-cycle';
import { ForewarmError } from '#shared/errors';
import { CycleLogStore } from '#shared/store/cycle-log-store';
import { HistoryStore } from '#shared/store/history-store';
import { cycleLogLines } from '../cycle-log-lines';
import { cycleReport } from '../cycle-report';
import { stageTimes } from '../cycle-stages';
import { cycleTable } from '../cycle-table';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { parseCount } from '../parse-count';
import { withHistory, withPostgres } from '../with-postgres';

interface CyclesOptions {
  readonly model?: string;
  readonly failed?: boolean;
  readonly limit: string;
}

const WHY = 'the run history lives in PostgreSQL';

export function addCycles(program: Command): void {
  const cycles = addFolder(program.command('cycles'))
    .description('the last cycles of the run history, newest first; see also cycles show')
    .option('--model <name>', 'of this model only')
    .option('--failed', 'only those that failed, wholly or in part')
    .option('--limit <n>', 'how many', '20')
    .action((options: CyclesOptions, command: Command) => list(new Invocation(command), options));
  addFolder(cycles.command('show'))
    .description('one cycle: its batches, where their time went, and what failed')
    .argument('<id>', 'id of the cycle, or how it begins')
    .option('--logs', 'also what every process said of it, in the order of time')
    .action((id: string, { logs = false }: { logs?: boolean }, command: Command) =>
      show(new Invocation(command), id, logs),
    );
}

async function list(invocation: Invocation, { model, failed = false, limit }: CyclesOptions): Promise<void> {
  const count = parseCount('--limit', limit);
  const config = invocation.configToLook();
  const filter = { failed, ...(model === undefined ? {} : { model: chooseModel(config, model).name }) };
  const cycles = await withHistory(config, (history) => history.lastCycles(filter, count));
  invocation.answer({ cycles }, () => {
    if (cycles.length === 0) return failed ? 'No cycle failed.' : 'No cycle has run yet.';
    const models = new Set(cycles.map((cycle) => cycle.model)).size > 1 ? 'several' : 'one';
    return cycleTable(cycles, { ...invocation, now: new Date(), models });
  });
}

async function show(invocation: Invocation, id: string, withLogs: boolean): Promise<void> {
  const { logs, ...found } = await withPostgres(invocation.configToLook(), WHY, async (pool) => {
    const history = new HistoryStore(pool);
    const cycle = await findCycle(history, id);
    const known = (await history.cycle(cycle)) ?? gone(cycle);
    return { ...known, logs: withLogs ? await new CycleLogStore(pool).of(cycle) : [] };
  });
  const stages = Object.fromEntries(stageTimes(found.batches).map(({ stage, ms }) => [stage, ms]));
  invocation.answer({ ...found, stages, ...(withLogs && { logs }) }, () => {
    const report = cycleReport(found.cycle, found.batches, { ...invocation, now: new Date() });
    if (withLogs) return [report, '', ...cycleLogLines(logs, invocation)].join('\n');
    const wrong = ['failed', 'degraded'].includes(found.cycle.state);
    return wrong ? `${report}\n\n${invocation.colours.dim('what was said of it: --logs')}` : report;
  });
}

/** Pruned between two questions. */
function gone(cycle: string): never {
  throw new ForewarmError('FW_CYCLE_UNKNOWN', `the run history has no cycle ${cycle}`);
}
