/**
 * Readers of a dashboard, in a thread of their own so that what they do is not counted as the server's: some ask page after page, others
 * leave a page open and fetch it again whenever they are told of a change, as the page's script does.
 */
import { once } from 'node:events'
import { Agent, get, type IncomingMessage } from 'node:http'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

export interface ReadersWork {
  readonly url: string
  /** Each reader asks all of them, one after the other, beginning at another one. */
  readonly paths: readonly string[]
  readonly readers: number
  /** So often; with `live` the number of changes that are waited for instead. */
  readonly rounds: number
  /** Readers who leave a page open, each one of the paths. */
  readonly live: boolean
}

export interface Answer {
  readonly path: string
  /** From the request to the last byte, as the reader sees it; waiting for others included. */
  readonly ms: number
  readonly bytes: number
}

/** Resolves with all answers. @throws Error where one is no 200. */
export async function runReaders(work: ReadersWork): Promise<readonly Answer[]> {
  const worker = new Worker(new URL(import.meta.url), { workerData: work })
  const [answers] = (await once(worker, 'message')) as [readonly Answer[]]
  await worker.terminate()
  return answers
}

async function read({ url, paths, readers, rounds, live }: ReadersWork): Promise<readonly Answer[]> {
  const answers: Answer[] = []
  const everyone = Array.from({ length: readers }, async (_, reader) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = async (path: string): Promise<void> => {
      const begun = performance.now()
      const response = await request(url + path, agent)
      let bytes = 0
      for await (const part of response) bytes += (part as Buffer).length
      if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`)
      answers.push({ path, ms: performance.now() - begun, bytes })
    }
    if (live) await untilChanges(url, rounds, () => ask(paths[reader % paths.length]!))
    else for (let i = 0; i < rounds * paths.length; i++) await ask(paths[(reader + i) % paths.length]!)
    agent.destroy()
  })
  await Promise.all(everyone)
  return answers
}

/** Like the page's script: one request at a time, and once more for changes that came meanwhile. */
async function untilChanges(url: string, count: number, refresh: () => Promise<void>): Promise<void> {
  const stream = await request(`${url}/live`, new Agent())
  let told = 0
  let running: Promise<void> | undefined
  let again = false
  const start = (): void => {
    if (running !== undefined) {
      again = true
      return
    }
    running = refresh().then(() => {
      running = undefined
      if (!again) return
      again = false
      start()
    })
  }
  for await (const part of stream) {
    if (!String(part).includes('event: change')) continue
    start()
    if (++told === count) break
  }
  while (running !== undefined) await running
}

async function request(url: string, agent: Agent): Promise<IncomingMessage> {
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage]
  return response
}

if (!isMainThread) parentPort!.postMessage(await read(workerData as ReadersWork))
