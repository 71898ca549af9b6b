import { z } from 'zod';
import type { JobContext } from '#jobs/context';
import { parsePayload } from '#jobs/job-shape';
import { requestWarm, warmRequest } from '#jobs/on-demand';
import { suggestCategory } from '../suggest-category';

/** The one job that the dashboard adds. */
export const WARM = 'warm';

/** What the page sends: its form has fields for a name and for options, which are for queues of other kinds. */
const addedJob = z.strictObject({
  name: z.enum(['', '__default__', WARM], 'the job is named by its queue').optional(),
  data: z.unknown(),
  options: z.strictObject({}, 'options are those of the registry').optional(),
});

export interface Added {
  readonly job: { readonly id: string; readonly name: string };
  readonly status: string;
}

/** Warming on demand from bull-board's own form for adding a job. */
export class WarmForm {
  private readonly context: JobContext;

  constructor(context: JobContext) {
    this.context = context;
  }

  /** What the form's editor completes, explains and checks with, and what it starts from. */
  get schema(): Record<string, unknown> {
    const { names } = this.context.models;
    const schema = warmRequest.extend({ model: z.enum(names).describe(warmRequest.shape.model.description ?? '') });
    const examples = [{ model: names[0], categories: [], force: false }];
    return { ...z.toJSONSchema(schema, { target: 'draft-7' }), examples };
  }

  /**
   * Asks for the cycle that the body of a request describes.
   * @throws ForewarmError FW_JOB_PAYLOAD, FW_MODEL_UNKNOWN, FW_CATEGORY_UNKNOWN, FW_REDIS_UNAVAILABLE
   */
  async add(body: unknown): Promise<Added> {
    const { enqueue, models } = this.context;
    const { data } = parsePayload({ name: WARM, payload: addedJob }, body);
    const request = parsePayload({ name: WARM, payload: warmRequest }, data);
    const model = models.configured(request.model);
    const id = await requestWarm(enqueue, model, request, 'dashboard').catch((error: unknown) => {
      throw suggestCategory(error, model, request.categories ?? []);
    });
    return { job: { id, name: WARM }, status: await enqueue.queue(WARM).getJobState(id) };
  }
}
