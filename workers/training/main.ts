/** `ekya worker training` */
export async function main(): Promise<number> {
  const [{ runWorker }, { TrainingWorker }] = await Promise.all([
    import('../runtime/run-worker.ts'),
    import('./worker.ts'),
  ])
  return runWorker('training', context => new TrainingWorker(context))
}
