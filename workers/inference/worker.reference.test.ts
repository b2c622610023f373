/** The inference worker over seconds of real time: windows that roll over, and a hand-over from one pod to another. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import { waitFor } from '../../hack/testing/wait-for.ts'
import type { InferenceStatus } from '../../operator/api/worker.ts'
import { readSummaries, readSummary } from '../runtime/sample-folder.ts'
import { inferenceWorkers } from './testing.ts'

describe('the inference worker in real time', () => {
  const { folder, start, ready, status, offered } = inferenceWorkers()

  it('follows configurations and windows, and keeps the sample', async () => {
    const worker = await start({ frameRate: 100 })
    await ready(worker)
    const every = { name: 'every-5th', frameInterval: 5, resolutionScale: 0.5 }
    expect((await worker.post<InferenceStatus>('/configuration', every)).body.configuration).to.equal(
      'every-5th',
    )
    const clock = { index: 0, startsAt: new Date().toISOString(), durationSeconds: 1, maxSamples: 20 }
    expect((await worker.post<InferenceStatus>('/window', clock)).status).to.equal(200)
    await worker.until<InferenceStatus>('/status', ({ window }) => window?.index === 2)
    const samples = join(folder.path, 'samples/default/cam-0/1')
    const read = async () => JSON.parse(await readFile(join(samples, 'summary.json'), 'utf8'))
    // The next window begins while the last frames of this one are on their way to the disk.
    const summary = await waitFor(async () => ((await read()).complete ? read() : undefined), {
      describe: 'the summary of window 1',
    })
    const rows = (await readFile(join(samples, 'frames.csv'), 'utf8')).trim().split('\n')
    // One frame in five is looked at; on a busy machine some of those are dropped, and what was dropped is no sample.
    expect(rows.length - 1).to.be.within(5, 20)
    const { width, height } = await sharp(join(samples, rows[3]!.split(',')[2]!)).metadata()
    expect(Math.min(width, height)).to.be.above(32)
    expect(summary.frames).to.include({ offered: 100 })
    expect(summary.frames.skipped).to.be.above(60)
  })

  it('hands over to a pod that stands by: every frame analysed, by one of the two', async function () {
    this.timeout(30_000)
    const startsAt = new Date().toISOString()
    const window = { index: 7, startsAt, durationSeconds: 60, maxSamples: 3000 }
    const change = { frameRate: 25, window, stream: 'cam-swap' }
    const old = await start(change)
    await ready(old)
    const next = await start({ ...change, standby: true, generation: 2 })
    await ready(next)
    const waiting = await status(next)
    expect(waiting).to.deep.include({
      standby: true,
      frames: { offered: 0, analysed: 0, skipped: 0, dropped: 0 },
    })
    expect(waiting.window).to.include({ index: 7, startsAt })

    // Four seconds: told later than that, the old one refuses, or is gone when it is told again.
    const frame = Math.ceil(((Date.now() - Date.parse(startsAt)) * 25) / 1000) + 100
    const [until, from] = [frame - 1, frame].map(at => ({ window: 7, startsAt, frame: at }))
    for (let told = 0; told < 2; told++)
      expect((await old.post<InferenceStatus>('/drain', { until })).body.until).to.deep.equal(until)
    for (let told = 0; told < 2; told++) {
      const { body } = await next.post<InferenceStatus>('/activate', { from })
      expect(body).to.deep.include({ from }).and.not.to.have.property('standby')
    }
    const { code, message } = await old.ended
    const { frames } = message as { frames: { offered: number } }
    expect({ code, message }).to.deep.equal({
      code: 0,
      message: { kind: 'inference', until, lastFrame: { window: 7, frame: frame - 1 }, frames },
    })
    await offered(next, 25)
    const { body } = await next.post<InferenceStatus & { lastFrame: { frame: number } }>('/drain', '')
    next.terminate()
    await next.ended

    const folderOf = join(folder.path, 'samples/default/cam-swap/7')
    const [first, second] = [...(await readSummaries(folderOf)).values()]
    // On a busy machine a frame may be dropped for being late, but it is offered to one pod all the same.
    expect(second!.analysed![0]![0]).to.be.at.least(frame)
    expect(first!.analysed!.at(-1)![1]).to.be.below(frame)
    expect(body.frames.offered).to.equal(body.lastFrame.frame - frame + 1)
    expect(body.window!.frames.offered).to.equal(frames.offered + body.frames.offered)
    expect((await readSummary(folderOf))!.frames).to.deep.equal(body.window!.frames)
  })
})
