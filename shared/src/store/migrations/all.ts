import { rows } from './0001-rows';
import { history } from './0002-history';
import { control } from './0003-control';
import { inputs } from './0004-inputs';
import { historyOrder } from './0005-history-order';
import { backups } from './0006-backups';
import { alerts } from './0007-alerts';
import { cycleLog } from './0008-cycle-log';
import type { Migration } from './migration';

/** Every migration, in the order in which they run. A published one is never edited: a new one mends it. */
export const MIGRATIONS: readonly Migration[] = [
  rows,
  history,
  control,
  inputs,
  historyOrder,
  backups,
  alerts,
  cycleLog,
];
