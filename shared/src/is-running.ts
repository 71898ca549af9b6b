/** Whether a process of this machine is there. Another may have got its number since: then it is taken for the same. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is there, and of another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
