import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { QueueAdapterOptions } from '@bull-board/api/typings/app';
import type { Job, Queue } from 'bullmq';
import type { JobDefinition } from '#jobs/define-job';
import { maskText } from '#shared/config/secrets';
import type { JobForm } from './job-forms';
import { readable } from './readable';

/** The queue of a job as the dashboard shows it: what it is for, and its jobs as a person reads them. */
export class ShownQueue extends BullMQAdapter {
  constructor({ description }: JobDefinition, queue: Queue, form: JobForm | undefined) {
    const takesJobs: Partial<QueueAdapterOptions> =
      form === undefined ? { readOnlyMode: true } : { readOnlyMode: false, jobDataSchema: form.schema };
    super(queue, { description, allowRetries: false, ...takesJobs });
    this.setFormatter('data', (data) => readable(data));
    this.setFormatter('returnValue', (value) => readable(value));
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id);
    return job && readableErrors(job);
  }

  override async getJobs(...page: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    return (await super.getJobs(...page)).map(readableErrors);
  }

  override async getJobSchedulers(): ReturnType<BullMQAdapter['getJobSchedulers']> {
    const schedulers = await super.getJobSchedulers();
    return schedulers.map((scheduler) =>
      scheduler.template === undefined
        ? scheduler
        : { ...scheduler, template: { ...scheduler.template, data: readable(scheduler.template.data) } },
    );
  }
}

/**
 * What made a job fail, without secrets: messages of clients of Redis and PostgreSQL end up here. Where the catalogue names the
 * error, the places in the code say nothing more. The job is a copy of what Redis holds.
 */
function readableErrors(job: Job): Job {
  const named = /^FW_(?!INTERNAL)/.test(job.failedReason);
  const readable = (text: string): string =>
    text
      .split('\n')
      .filter((line) => !named || !/^\s+at /.test(line))
      .map(maskText)
      .join('\n');
  job.failedReason = job.failedReason && readable(job.failedReason);
  job.stacktrace = job.stacktrace?.map((trace) => trace && readable(trace)) ?? null;
  return job;
}
