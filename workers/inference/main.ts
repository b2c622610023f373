/** `ekya worker inference` */
export async function main(): Promise<number> {
  const [{ runWorker }, { InferenceWorker }] = await Promise.all([
    import('../runtime/run-worker.ts'),
    import('./worker.ts'),
  ])
  return runWorker('inference', context => new InferenceWorker(context))
}
