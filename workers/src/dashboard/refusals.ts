import { ForewarmError } from '#shared/errors';

/** What bull-board's interface could change, by the end of the path, and which command does what is meant by it. */
const COMMANDS: readonly (readonly [path: RegExp, what: string, command: string])[] = [
  [
    /\/(pause|resume)$/,
    'pause or resume queues',
    '`forewarm pause` and `forewarm unpause` stop the schedule of a model and let it go on.',
  ],
  [/\/retry(\/\w+)?$/, 'retry jobs', '`forewarm retry CYCLE` computes the rows of a cycle that failed.'],
  [
    /\/(clean|clean\/[\w-]+|empty|obliterate|remove-unprocessed-children)$/,
    'remove jobs',
    '`forewarm cancel CYCLE` ends a running cycle; jobs that have ended are removed by themselves.',
  ],
  [
    /\/(add|promote|run)$/,
    'start this job',
    '`forewarm warm`, `forewarm backup` and `forewarm restore`, or adding a job to their queues here, start something now.',
  ],
  [
    /\/job-schedulers\/[^/]+(\/remove)?$/,
    'change schedules',
    'They are those of the configuration (models.NAME.every); `forewarm pause` stops one.',
  ],
];

const OTHERS =
  'Use `forewarm warm`, `forewarm pause`, `forewarm retry` or `forewarm cancel`; all else is in the configuration.';

/** FW_HTTP_READ_ONLY for a request that would change something, naming the command to use instead. */
export function readOnly(path: string): ForewarmError {
  const [, what = 'change this', next = OTHERS] = COMMANDS.find(([pattern]) => pattern.test(path)) ?? [];
  return new ForewarmError('FW_HTTP_READ_ONLY', `the dashboard does not ${what}`, { next });
}
