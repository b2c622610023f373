import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import sharp from 'sharp'
import type { InferenceStatus, WorkerError } from '../../operator/api/worker.ts'
import { digestOf } from '../models/classifier.ts'
import { startWorker } from '../runtime/testing/worker-harness.ts'
import { inferenceWorkers, tiny } from './testing.ts'
import { InferenceWorker } from './worker.ts'

describe('the inference worker', () => {
  const { folder, start, ready, status, offered } = inferenceWorkers()

  it('becomes ready with its first frame and tells what it does', async () => {
    const worker = await start({
      window: { index: 3, startsAt: new Date().toISOString(), durationSeconds: 60, maxSamples: 3000 },
    })
    await ready(worker)
    const { frames, window, model, configuration, draining, error, now } = await offered(worker, 20)
    expect(Math.abs(Date.parse(now!) - Date.now()), 'what the time is').to.be.below(10_000)
    expect(frames.offered).to.equal(frames.analysed + frames.skipped + frames.dropped)
    expect(window).to.include({ index: 3 })
    expect(model).to.deep.equal({ uri: 'models/a.onnx', digest: digestOf(tiny(1)) })
    expect({ configuration, draining, error }).to.deep.equal({
      configuration: 'full',
      draining: false,
      error: undefined,
    })
    expect((await worker.get('/healthz')).status).to.equal(200)
    const metrics = (await worker.get<string>('/metrics')).body
    expect(metrics).to.match(/ekya_frames_total\{result="analysed",namespace="default",stream="cam-0"\} \d+/)
    expect(metrics).to.match(/ekya_worker_gpu_seconds_total\{role="inference",.*\} \d/)
    expect(metrics).to.match(/ekya_inference_latency_seconds_count\{.*\} \d+/)
  })

  it('swaps models under load without losing a frame', async () => {
    const startsAt = new Date(Date.now() + 300).toISOString()
    const window = { index: 0, startsAt, durationSeconds: 60, maxSamples: 0 }
    const worker = await start({ frameRate: 100, window })
    await worker.until<InferenceStatus>('/status', status => (status.window?.frames.analysed ?? 0) > 0)
    for (const uri of ['models/b.onnx', 'models/a.onnx', 'models/b.onnx', 'models/a.onnx', 'models/b.onnx']) {
      const answer = await worker.post<InferenceStatus>('/model', { uri })
      expect(answer).to.have.property('status', 200)
      expect(answer.body.model.uri).to.equal(uri)
      await offered(worker, answer.body.frames.offered + 5)
    }
    const { body } = await worker.post<InferenceStatus & { lastFrame: object }>('/drain', '')
    const { offered: seen, analysed, dropped, skipped } = body.window!.frames
    expect(body.model.digest).to.equal(digestOf(tiny(2)))
    expect(seen).to.equal(analysed + dropped + skipped)
    expect(body.lastFrame).to.deep.equal({ window: 0, frame: seen - 1 })
  })

  for (const { name, body, want, code } of [
    {
      name: 'a model that is not there',
      body: { uri: 'models/none.onnx' },
      want: 404,
      code: 'ModelNotFound',
    },
    {
      name: 'a model with more classes',
      body: { uri: 'models/seven.onnx' },
      want: 422,
      code: 'ModelClassesMismatch',
    },
    { name: 'a torn file', body: { uri: 'models/torn.onnx' }, want: 422, code: 'ModelInvalid' },
    { name: 'a path that leads out', body: { uri: '../a.onnx' }, want: 422, code: 'ModelInvalid' },
    {
      name: 'another digest',
      body: { uri: 'models/b.onnx', digest: 'a'.repeat(64) },
      want: 409,
      code: 'ModelDigestMismatch',
    },
    { name: 'no model', body: {}, want: 400, code: 'BadRequest' },
  ]) {
    it(`refuses ${name} and goes on with the one it has`, async () => {
      const worker = await start()
      await ready(worker)
      const answer = await worker.post<WorkerError>('/model', body)
      expect(answer.status).to.equal(want)
      expect(answer.body.error.code).to.equal(code)
      const { model, frames } = await status(worker)
      expect(model.uri).to.equal('models/a.onnx')
      await offered(worker, frames.offered + 3)
    })
  }

  it('serves with a model that knows the first classes alone, and takes one that knows all', async () => {
    const worker = await start({ model: { uri: 'models/three.onnx' } })
    await ready(worker)
    const { frames } = await status(worker)
    await offered(worker, frames.offered + 3)
    expect((await worker.post('/model', { uri: 'models/a.onnx' })).status).to.equal(200)
    expect((await status(worker)).model.uri).to.equal('models/a.onnx')
  })

  it('refuses a bad body with all that is wrong about it', async () => {
    const worker = await start()
    const { status: code, body } = await worker.post<WorkerError>('/window', {
      index: -1,
      startsAt: 'now',
      extra: 1,
    })
    expect(code).to.equal(400)
    expect(body.error.message).to.match(/durationSeconds is missing/)
    expect(body.error.message).to.match(/maxSamples is missing/)
    expect(body.error.message).to.match(/index must be >= 0, found -1/)
    expect(body.error.message).to.match(/unknown field extra/)
    expect((await worker.post('/configuration', '{')).status).to.equal(400)
  })

  it('drains: the last frame is named and no other follows', async () => {
    const worker = await start()
    await ready(worker)
    const { body } = await worker.post<InferenceStatus & { lastFrame: { frame: number } }>('/drain', '')
    expect(body.draining).to.equal(true)
    expect(body.lastFrame.frame).to.be.at.least(0)
    expect((await status(worker)).frames).to.deep.equal(body.frames)
    expect((await worker.get('/readyz')).status).to.equal(503)
  })

  it('waits for a model that is not there, and takes another that is sent', async () => {
    const worker = await start({ model: { uri: 'models/later.onnx' } })
    const { error } = await worker.until<InferenceStatus>('/status', body => body.error !== undefined)
    expect(error).to.have.property('code', 'ModelNotFound')
    const readiness = await worker.get<{ awaiting: string[] }>('/readyz')
    expect(readiness.status).to.equal(503)
    expect(readiness.body.awaiting).to.include('the model is loaded')
    expect((await worker.get('/healthz')).status).to.equal(200)
    await worker.post('/model', { uri: 'models/a.onnx' })
    await ready(worker)
    expect((await status(worker)).error).to.equal(undefined)
  })

  it('waits for a samples folder that is missing, and serves when it appears', async () => {
    const worker = await start({
      classes: ['a', 'b'],
      model: { uri: 'models/two.onnx' },
      source: { samples: { uri: 'footage' } },
    })
    await writeFile(join(folder.path, 'models/two.onnx'), tiny(5, 2))
    const { error } = await worker.until<InferenceStatus>(
      '/status',
      body => body.error?.code === 'SourceNotFound',
    )
    expect(error!.message).to.contain('footage')
    await writeFootage(join(folder.path, 'footage.partial'), ['0', '1', '1'])
    await cp(join(folder.path, 'footage.partial'), join(folder.path, 'footage'), { recursive: true })
    await ready(worker)
    expect((await status(worker)).error).to.equal(undefined)
  })

  it('stays up and names file and line where labels are corrupt', async () => {
    await writeFile(join(folder.path, 'models/two.onnx'), tiny(5, 2))
    await writeFootage(join(folder.path, 'corrupt'), ['7', 'x', '-1'])
    const worker = await start({
      classes: ['a', 'b'],
      model: { uri: 'models/two.onnx' },
      source: { samples: { uri: 'corrupt' } },
    })
    const { error } = await worker.until<InferenceStatus>('/status', body => body.error !== undefined)
    expect(error).to.have.property('code', 'LabelsInvalid')
    expect(error!.message).to.match(/0\.csv.*line 2/)
  })

  it('goes on with what is readable where images are corrupt', async () => {
    await writeFile(join(folder.path, 'models/two.onnx'), tiny(5, 2))
    const footage = join(folder.path, 'damaged')
    await writeFootage(footage, ['0', '1', '0', '1'])
    await writeFile(join(footage, '0/2.png'), 'no image')
    const worker = await start({
      classes: ['a', 'b'],
      model: { uri: 'models/two.onnx' },
      source: { samples: { uri: 'damaged' } },
    })
    await ready(worker)
    // A machine that is busy drops frames unread, good and bad ones.
    const { refused, frames, error } = await worker.until<InferenceStatus>(
      '/status',
      body => (body.refused ?? 0) >= 2,
    )
    expect(frames.analysed).to.be.above(0)
    expect(frames.dropped).to.be.at.least(refused!)
    expect(error).to.equal(undefined)
  })

  it('ends with 0 when it is asked to', async () => {
    const worker = await start()
    await ready(worker)
    worker.terminate()
    expect(await worker.ended).to.deep.equal({ code: 0, message: null, text: '' })
  })

  it('ends with 1 and the reason where its configuration is bad', async () => {
    const worker = await startWorker(
      'inference',
      '{"role":"inference"}',
      context => new InferenceWorker(context),
      folder.path,
    )
    const { code, message } = await worker.ended
    expect(code).to.equal(1)
    expect(message).to.have.nested.property('error.code', 'ConfigInvalid')
  })

  async function writeFootage(path: string, labels: readonly string[]): Promise<void> {
    await rm(path, { recursive: true, force: true })
    await mkdir(join(path, '0'), { recursive: true })
    for (const i of labels.keys())
      await sharp({ create: { width: 16, height: 16, channels: 3, background: { r: 80 * i, g: 50, b: 0 } } })
        .png()
        .toFile(join(path, `0/${i}.png`))
    const rows = labels.map((label, i) => `${i},${label},0,0,16,16,0/${i}.png`)
    await writeFile(join(path, '0.csv'), `idx,class,x0,y0,x1,y1,imgpath\n${rows.join('\n')}\n`)
  }

  for (const { name, path, mark, code } of [
    { name: 'to end at a frame that is over', path: '/drain', mark: 'until', code: 'TooLate' },
    { name: 'to begin at another frame', path: '/activate', mark: 'from', code: 'TooLate' },
    { name: 'no window', path: '/drain', mark: 'untill', code: 'BadRequest' },
  ])
    it(`refuses to be told ${name}, and goes on`, async () => {
      const startsAt = new Date(Date.now() - 2000).toISOString()
      const worker = await start({ window: { index: 0, startsAt, durationSeconds: 60, maxSamples: 0 } })
      await ready(worker)
      const answer = await worker.post<WorkerError>(path, { [mark]: { window: 0, startsAt, frame: 3 } })
      expect(answer.body.error.code).to.equal(code)
      expect(answer.status).to.equal(code === 'TooLate' ? 409 : 400)
      const { frames } = await status(worker)
      await offered(worker, frames.offered + 3)
    })

  it('ends while it stands by', async () => {
    const worker = await start({ standby: true, generation: 2 })
    await ready(worker)
    worker.terminate()
    expect(await worker.ended).to.include({ code: 0, text: '' })
  })
})
