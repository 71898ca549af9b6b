/** Results that wait to be asked for again; more are of jobs that another daemon has taken. */
const KEPT = 100;

/**
 * One run of a job at a time in this process, by the job's id. A queue that did not hear from this process for a while, as
 * when the machine was asleep, hands its jobs out again, and to this process as well: it then waits for the run that goes
 * on, or takes the result of one whose end the queue did not accept.
 */
export class Runs<T> {
  private readonly runs = new Map<string, Promise<T>>();

  /** What the run of this job gives: of one that is known, or of `begin`. One that failed is not kept. */
  of(id: string, begin: () => Promise<T>): { readonly result: Promise<T>; readonly known: boolean } {
    const known = this.runs.get(id);
    if (known !== undefined) return { result: known, known: true };
    const result = begin();
    this.runs.set(id, result);
    result.catch(() => this.runs.get(id) === result && this.runs.delete(id));
    const oldest = this.runs.size > KEPT ? this.runs.keys().next().value : undefined;
    if (oldest !== undefined) this.runs.delete(oldest);
    return { result, known: false };
  }

  /** The queue has accepted the end of this job. */
  forget(id: string): void {
    this.runs.delete(id);
  }
}
