/** `ekya worker profile` */
export async function main(): Promise<number> {
  const [{ runWorker }, { ProfileWorker }] = await Promise.all([
    import('../runtime/run-worker.ts'),
    import('./worker.ts'),
  ])
  return runWorker('profile', context => new ProfileWorker(context))
}
