import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { AgentError } from '../errors.ts'
import type { Programs } from '../programs.ts'
import { curveBook } from './curve-book.ts'
import { measureCurve } from './measurement.ts'
import { percentages, throughputCurve } from './throughput-curve.ts'

describe('throughputCurve', () => {
  for (const { name, measured, want } of [
    {
      // Training with batches of 64 on an H100: docs/gpu.md.
      name: 'speed relative to the whole GPU, in rising order',
      measured: [
        { percentage: 100, seconds: 0.014 },
        { percentage: 50, seconds: 0.0194 },
        { percentage: 10, seconds: 0.0737 },
      ],
      want: [
        [0.1, 0.19],
        [0.5, 0.722],
        [1, 1],
      ],
    },
    {
      name: 'levels what scatters',
      measured: [
        { percentage: 100, seconds: 1 },
        { percentage: 90, seconds: 0.9 },
        { percentage: 80, seconds: 1.1 },
        { percentage: 70, seconds: 1.05 },
      ],
      want: [
        [0.7, 0.952],
        [0.8, 0.952],
        [0.9, 1],
        [1, 1],
      ],
    },
  ])
    it(name, () => expect(throughputCurve(measured)).to.deep.equal(want))

  it('needs the whole GPU', () =>
    expect(() => throughputCurve([{ percentage: 50, seconds: 1 }])).to.throw(/at 100 %/))
})

describe('measureCurve, with a stand-in of the training', () => {
  /** A GPU on which half of the work is not faster with more of it. */
  const seconds = (percentage: number) => 0.01 * (0.5 + 50 / percentage)
  const measure = (
    answer: (percentage: number) => { status?: number; stdout?: string; stderr?: string },
    clients = () => 0,
  ) => {
    const asked: { percentage: number; env: Readonly<Record<string, string | undefined>> }[] = []
    const programs: Programs = {
      async run(_program, _args, { env = {} } = {}) {
        const percentage = Number(env.CUDA_MPS_ACTIVE_THREAD_PERCENTAGE)
        asked.push({ percentage, env })
        return { status: 0, stdout: '', stderr: '', ...answer(percentage) }
      },
      start: () => Promise.reject(new Error('not asked for here')),
    }
    const curve = measureCurve({
      programs,
      uuid: 'GPU-1',
      pipeDirectory: '/run/ekya/mps/GPU-1',
      clients: async () => clients(),
      request: { device: 'cuda', seconds: 1, batchSize: 32 },
    })
    return { curve, asked }
  }
  const trained = (percentage: number) => ({
    stdout: JSON.stringify({ provider: 'cuda', steps: 100, stepSeconds: seconds(percentage) }),
  })
  const failure = async (curve: Promise<unknown>): Promise<AgentError> =>
    curve.then(
      () => {
        throw new Error('it did not fail')
      },
      (error: AgentError) => error,
    )

  it('trains at each share as a client of the GPU', async () => {
    const { curve, asked } = measure(trained)
    expect(await curve).to.deep.equal(
      [10, 20, 30, 40, 50, 60, 70, 80, 90, 100].map(percentage => [
        percentage / 100,
        Math.round((seconds(100) / seconds(percentage)) * 1000) / 1000,
      ]),
    )
    expect(asked.map(({ percentage }) => percentage)).to.deep.equal(percentages)
    expect(asked[0]!.env).to.include({ CUDA_MPS_PIPE_DIRECTORY: '/run/ekya/mps/GPU-1' })
    expect(asked[0]!.env).to.have.property('CUDA_VISIBLE_DEVICES', undefined)
  })

  it('gives up where somebody else comes, to try again', async () => {
    let looks = 0
    const { curve, asked } = measure(trained, () => (++looks > 5 ? 1 : 0))
    expect(await failure(curve)).to.include({ message: 'the GPU has 1 MPS clients', retryable: true })
    expect(asked.length).to.equal(3)
  })

  for (const { name, answer, want } of [
    {
      name: 'a training that fails',
      answer: { status: 1, stderr: 'at x\nError: CUDA_ERROR_MPS_SERVER_NOT_READY\n' },
      want: /at 100 % ended with status 1: Error: CUDA_ERROR_MPS_SERVER_NOT_READY$/,
    },
    {
      name: 'one on the cpu, whose curve would say nothing',
      answer: { stdout: '{"provider": "cpu", "steps": 1, "stepSeconds": 1}' },
      want: /ran on cpu; accepted: cuda/,
    },
    { name: 'an answer without a time', answer: { stdout: 'hello' }, want: /said "hello"; accepted/ },
  ])
    it(`refuses ${name}, for good`, async () => {
      const { message, retryable } = await failure(measure(() => answer).curve)
      expect(message).to.match(want)
      expect(retryable).to.equal(false)
    })
})

describe('curveBook', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-curves-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const curve = [
    [0.5, 0.72],
    [1, 1],
  ] as const

  it('keeps a curve for the next agent, of this GPU and this model alone', async () => {
    await curveBook(folder, 'resnet18').keep('NVIDIA L4', curve)
    const of = async (trained: string, gpu: string) => {
      const book = curveBook(folder, trained)
      await book.load(gpu)
      return book.curve(gpu)
    }
    expect(await of('resnet18', 'NVIDIA L4')).to.deep.equal(curve)
    expect(await of('resnet18', 'NVIDIA T4')).to.equal(undefined)
    expect(await of('other', 'NVIDIA L4')).to.equal(undefined)
  })

  for (const text of ['{', '{"curve": [[0.5]]}', '{"curve": "fast"}'])
    it(`takes ${text} for not measured`, async () => {
      const book = curveBook(folder, 'resnet18')
      await book.keep('NVIDIA L4', curve)
      writeFileSync(join(folder, readdirSync(folder)[0]!), text)
      const next = curveBook(folder, 'resnet18')
      await next.load('NVIDIA L4')
      expect(next.curve('NVIDIA L4')).to.equal(undefined)
    })
})
