import { z } from 'zod';
import { requestBackup } from '#jobs/backup/request-backup';
import type { JobContext } from '#jobs/context';
import { backupRequest } from '#jobs/definitions/backup';
import { restoreJobRequest } from '#jobs/definitions/restore';
import { parsePayload } from '#jobs/job-shape';
import { requestWarm, warmRequest } from '#jobs/on-demand';
import { suggestCategory } from '../suggest-category';

/** What the page sends: its form has fields for a name and for options, which are for queues of other kinds. */
const addedJob = (job: string) =>
  z.strictObject({
    name: z.enum(['', '__default__', job], 'the job is named by its queue').optional(),
    data: z.unknown(),
    options: z.strictObject({}, 'options are those of the registry').optional(),
  });

export interface Added {
  readonly job: { readonly id: string; readonly name: string };
  readonly status: string;
}

/** A job that the dashboard adds, by bull-board's own form. */
export interface JobForm {
  readonly job: string;
  /** What the form's editor completes, explains and checks with, and what it starts from. */
  readonly schema: Record<string, unknown>;
  /**
   * Asks for what the body of a request describes.
   * @throws ForewarmError FW_JOB_PAYLOAD, FW_MODEL_UNKNOWN, FW_CATEGORY_UNKNOWN, FW_REDIS_UNAVAILABLE
   */
  add(body: unknown): Promise<Added>;
}

type Request = z.ZodObject<{ model: z.ZodString }>;

/** The forms of all jobs that the dashboard adds: what the command line does as well. */
export function jobForms(context: JobContext): JobForm[] {
  const { enqueue, models } = context;
  const [model] = models.names;
  return [
    makeForm(context, 'warm', warmRequest, { model, categories: [], force: false }, async (request) => {
      const configured = models.configured(request.model);
      return requestWarm(enqueue, configured, request, 'dashboard').catch((error: unknown) => {
        throw suggestCategory(error, configured, request.categories ?? []);
      });
    }),
    makeForm(context, 'backup', backupRequest, { model, generation: 'live' }, (request) => {
      const { name } = models.configured(request.model);
      return requestBackup(enqueue, { model: name, generation: request.generation ?? 'live' }, 'dashboard');
    }),
    makeForm(context, 'restore', restoreJobRequest, { model, name: 'latest' }, async (request) => {
      const { name } = models.configured(request.model);
      // What there is not is told to whoever asks, and not by a job that fails.
      await context.backups.folder.find(request.name, name);
      return enqueue.add('restore', request);
    }),
  ];
}

function makeForm<R extends Request>(
  { enqueue, models }: JobContext,
  job: string,
  request: R,
  example: object,
  ask: (request: z.infer<R>) => Promise<string>,
): JobForm {
  const named = request.extend({ model: z.enum(models.names).describe(request.shape.model.description ?? '') });
  return {
    job,
    schema: { ...z.toJSONSchema(named, { target: 'draft-7' }), examples: [example] },
    async add(body) {
      const { data } = parsePayload({ name: job, payload: addedJob(job) }, body);
      const id = await ask(parsePayload({ name: job, payload: request }, data) as z.infer<R>);
      return { job: { id, name: job }, status: await enqueue.queue(job).getJobState(id) };
    },
  };
}
