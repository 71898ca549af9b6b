/** Whether `work` ended, well or not, within `ms`. */
export async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const ended = () => true as const;
  const first = await Promise.race([work.then(ended, ended), late]);
  clearTimeout(timer);
  return first;
}
