import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { CONDITION_NAMES, CONDITIONS, type ConditionName, isConditionName, runBookOf } from '#shared/alerts/conditions';
import { noticeOf, type Sender } from '#shared/alerts/notice';
import { formatDuration, parseDuration } from '#shared/config/duration';
import { nearest } from '#shared/config/suggest';
import type { Config } from '#shared/config/types';
import { ForewarmError, messageOf } from '#shared/errors';
import { AlertOutbox } from '#shared/store/alert-outbox';
import { AlertStore, type FiringAlert, type PastAlert, type Silence } from '#shared/store/alert-store';
import { packageRoot } from '#shared/version';
import { makeSinks } from '../../alerts/sinks/make-sinks';
import type { Sink } from '../../alerts/sinks/sink';
import { formatElapsed, formatMoment } from '../../elapsed';
import { boundsOf } from '../alert-bounds';
import { addFolder, chooseModel, Invocation } from '../invocation';
import { parseCount } from '../parse-count';
import { tableLines } from '../table';
import { oneLine, printable } from '../terminal-text';
import { withPostgres } from '../with-postgres';

interface ListOptions {
  readonly history?: boolean;
  readonly model?: string;
  readonly limit: string;
}

interface SilenceOptions {
  readonly model?: string;
  readonly all?: boolean;
  readonly for: string;
  readonly reason?: string;
}

const WHY = 'alerts are kept in PostgreSQL';

export function addAlerts(program: Command): void {
  const alerts = addFolder(program.command('alerts'))
    .description('what is wrong now, who is not told of what, and what was')
    .option('--history', 'those that are over as well, newest first')
    .option('--model <name>', 'of this model only')
    .option('--limit <n>', 'with --history: how many', '20')
    .action((options: ListOptions, command: Command) => list(new Invocation(command), options));
  addFolder(alerts.command('conditions'))
    .description('all that is looked for, with its bounds')
    .action((_options: unknown, command: Command) => conditions(new Invocation(command)));
  alerts
    .command('explain')
    .description('the run book of a condition: what it means, and what to do')
    .argument('<condition>', 'such as stale; see alerts conditions')
    .action((name: string, _options: unknown, command: Command) => explain(new Invocation(command), name));
  addFolder(alerts.command('test'))
    .description('send a message to everybody who is told of alerts, to see whether it arrives')
    .action((_options: unknown, command: Command) => test(new Invocation(command)));
  addFolder(alerts.command('silence'))
    .description('tell nobody of a condition for a while; it is on record all the same')
    .argument('[condition]', 'such as backup-old; without one, each condition of --model')
    .option('--model <name>', 'of this model only')
    .option('--all', 'each condition of each model')
    .option('--for <duration>', 'how long', '1h')
    .option('--reason <text>', 'why, for those who wonder')
    .action((condition: string | undefined, _options: unknown, command: Command) =>
      // `alerts` has an option --model too, and takes what is given to this one.
      silence(new Invocation(command), condition, command.optsWithGlobals<SilenceOptions>()),
    );
  addFolder(alerts.command('unsilence'))
    .description('end a silence before its time')
    .argument('<id>', 'its number; see alerts')
    .action((id: string, _options: unknown, command: Command) => unsilence(new Invocation(command), id));
}

async function list(invocation: Invocation, { history = false, model, limit }: ListOptions): Promise<void> {
  const count = parseCount('--limit', limit);
  const config = invocation.configToLook();
  const name = model === undefined ? undefined : chooseModel(config, model).name;
  const found = await withPostgres(config, WHY, async (pool) => {
    const store = new AlertStore(pool);
    const [firing, silences, unsent, past] = await Promise.all([
      store.firing(),
      store.silences(),
      new AlertOutbox(pool).waiting(),
      history ? store.past(name, count) : [],
    ]);
    return { firing: firing.filter((alert) => name === undefined || alert.model === name), silences, unsent, past };
  });
  const { firing, silences, unsent, past } = found;
  const document = { firing, silences, unsent, ...(history && { history: past }) };
  invocation.answer(document, () =>
    [
      ...(history ? historyLines(past, invocation) : firingLines(firing, invocation)),
      ...silenceLines(silences, invocation),
      ...unsent.flatMap(({ sink, messages, since, lastError }) => [
        '',
        invocation.colours.yellow(
          `${messages === 1 ? '1 message waits' : `${messages} messages wait`} for ${sink}, since ${formatMoment(since)} UTC${lastError === null ? '' : `: ${printable(lastError)}`}`,
        ),
      ]),
    ].join('\n'),
  );
}

function firingLines(firing: readonly FiringAlert[], { colours }: Invocation): string[] {
  if (firing.length === 0) return ['Nothing is wrong. What was is in `forewarm alerts --history`.'];
  return firing.flatMap((alert, i) => {
    const { condition, message, since } = alert;
    const critical = isConditionName(condition) && CONDITIONS[condition].severity === 'critical';
    const name = (critical ? colours.red : colours.yellow)(condition);
    const age = `since ${formatMoment(since)} UTC, ${formatElapsed(Date.now() - since.getTime())}`;
    return [
      ...(i === 0 ? [] : ['']),
      `${name}${ofText(alert)}  ${colours.dim(age)}`,
      `  ${oneLine(message)}`,
      colours.dim(`  what to do: forewarm alerts explain ${condition}`),
    ];
  });
}

function historyLines(past: readonly PastAlert[], invocation: Invocation): string[] {
  if (past.length === 0) return ['Nothing has been wrong yet.'];
  const { red, yellow, dim } = invocation.colours;
  return tableLines(
    past,
    [
      { head: 'since (UTC)', cell: ({ since }) => formatMoment(since) },
      { head: 'condition', cell: (alert) => `${alert.condition}${ofText(alert)}` },
      {
        head: 'for',
        cell: ({ since, resolvedAt }) =>
          resolvedAt === null ? red('fires') : formatElapsed(resolvedAt.getTime() - since.getTime()),
        right: true,
      },
      { head: 'told', cell: ({ toldAt }) => (toldAt === null ? yellow('nobody') : dim('yes')), spare: 1 },
    ],
    invocation,
    ({ message }) => message,
  );
}

function silenceLines(silences: readonly Silence[], { colours }: Invocation): string[] {
  if (silences.length === 0) return [];
  const lines = silences.map(({ id, condition, model, until, reason, host }) => {
    const what = `${condition ?? 'everything'}${model === null ? '' : ` of ${model}`}`;
    return `  ${id}  ${what} until ${formatMoment(until)} UTC (${formatElapsed(until.getTime() - Date.now())} more): ${printable(reason)} ${colours.dim(`(${host})`)}`;
  });
  return ['', colours.yellow('silenced'), ...lines];
}

function ofText({ model, place }: Pick<FiringAlert, 'model' | 'place'>): string {
  return `${model === '' ? '' : ` ${model}`}${place === '' ? '' : ` on ${place}`}`;
}

function conditions(invocation: Invocation): void {
  const config = invocation.configToLook();
  const all = CONDITION_NAMES.map((name) => {
    const { severity, scope, title, causes, fireAfterMs, byJobs } = CONDITIONS[name];
    const after = config.alerts.fireAfterMs === 'auto' ? fireAfterMs : config.alerts.fireAfterMs;
    const off = config.alerts.off.includes(name);
    return {
      name,
      title,
      severity,
      scope,
      off,
      fireAfterMs: byJobs ? 0 : after,
      bounds: boundsOf(config, name),
      causes,
    };
  });
  const { red, yellow, dim } = invocation.colours;
  invocation.answer({ conditions: all }, () =>
    tableLines(
      all,
      [
        { head: 'condition', cell: ({ name, severity }) => (severity === 'critical' ? red : yellow)(name) },
        {
          head: 'after',
          cell: ({ fireAfterMs, off }) => (off ? dim('off') : formatDuration(fireAfterMs)),
          right: true,
        },
        { head: 'what is wrong', cell: ({ title }) => title },
        { head: 'bounds', cell: ({ bounds }) => dim(bounds.join(', ')), spare: 1 },
      ],
      invocation,
    ).join('\n'),
  );
}

function explain(invocation: Invocation, given: string): void {
  const condition = conditionNamed(given);
  const file = `docs/${runBookOf(condition)}`;
  const text = readFileSync(join(packageRoot(), file), 'utf8');
  invocation.answer({ condition, file, text }, () => text.trimEnd());
}

async function test(invocation: Invocation): Promise<void> {
  const config = invocation.configToLook();
  // Of the log that this command has itself nobody learns anything.
  const sinks = makeSinks(config, invocation.logger(config)).filter(({ name }) => name !== 'log');
  const now = new Date();
  const message = 'nothing is wrong: somebody tries whether messages of alerts arrive';
  const told = { condition: 'test', model: '', place: '', message, facts: {}, since: now, at: now, alone: false };
  const notice = noticeOf({ ...told, event: 'test' }, senderOf(config));
  const tried = await Promise.all(
    sinks.map(async (sink) => ({
      sink: sink.name,
      where: sink.where,
      ...(await trySink(sink, () => sink.send(notice))),
    })),
  );
  invocation.answer({ tried }, () => {
    const { green, red, dim } = invocation.colours;
    const lines = tried.map(({ sink, where, error }) =>
      error === null ? `${green('sent')}    ${sink}  ${dim(where)}` : `${red('failed')}  ${sink}  ${printable(error)}`,
    );
    if (lines.length > 0) return lines.join('\n');
    return 'Only the log of the daemon is told. See `alerts` in docs/configuration.md for webhook, slack and email.';
  });
  const failed = tried.filter(({ error }) => error !== null);
  if (failed.length === 0) return;
  throw new ForewarmError('FW_ALERT_NOT_SENT', `${failed.map(({ sink }) => sink).join(', ')} did not take the message`);
}

async function trySink(sink: Sink, send: () => Promise<void>): Promise<{ readonly error: string | null }> {
  try {
    await send();
    return { error: null };
  } catch (error) {
    return { error: messageOf(error) };
  } finally {
    sink.close();
  }
}

function senderOf({ keyPrefix, alerts }: Config): Sender {
  return { deployment: keyPrefix, host: hostname(), runBooks: alerts.runBooks };
}

async function silence(invocation: Invocation, given: string | undefined, options: SilenceOptions): Promise<void> {
  const { all = false, reason = 'no reason is given' } = options;
  const forMs = parseDuration(options.for);
  if (forMs === undefined || forMs < 1_000) {
    throw new ForewarmError('FW_USAGE', `--for ${options.for}: expected a duration from 1s, such as 30m, 2h or 1d`);
  }
  if (given === undefined && options.model === undefined && !all) {
    throw new ForewarmError('FW_USAGE', 'what is to be silenced?', {
      next: 'Name a condition, a model with --model, or everything with --all.',
    });
  }
  const condition = given === undefined ? null : conditionNamed(given);
  const config = invocation.configToLook();
  const model = options.model === undefined ? null : chooseModel(config, options.model).name;
  const made = await withPostgres(config, WHY, (pool) =>
    new AlertStore(pool).silence({ condition, model, reason, host: hostname() }, forMs),
  );
  invocation.answer(made, () => {
    const what = `${condition ?? 'Each condition'}${model === null ? '' : ` of ${model}`}`;
    return `${what} is silenced until ${formatMoment(made.until)} UTC. End it before: forewarm alerts unsilence ${made.id}`;
  });
}

async function unsilence(invocation: Invocation, id: string): Promise<void> {
  const number = parseCount('the number of a silence', id);
  const config = invocation.configToLook();
  const ended = await withPostgres(config, WHY, (pool) => new AlertStore(pool).unsilence(number));
  if (!ended) throw new ForewarmError('FW_SILENCE_UNKNOWN', `no silence ${number} is under way`);
  invocation.answer({ id: number }, () => `Silence ${number} is over.`);
}

/** @throws ForewarmError FW_USAGE */
function conditionNamed(given: string): ConditionName {
  if (isConditionName(given)) return given;
  const close = nearest(given, CONDITION_NAMES);
  const hint = close === undefined ? '' : `; did you mean ${close}?`;
  throw new ForewarmError('FW_USAGE', `there is no condition ${given}${hint}`, {
    next: 'See forewarm alerts conditions.',
  });
}
