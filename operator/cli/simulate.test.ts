import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runEkya } from './testing/run-ekya.ts'

const ekya = (...args: string[]) => runEkya(args)

const retraining = [
  {
    configuration: 'quick',
    accuracyAfter: 0.8,
    gpuSeconds: 10,
    estimate: { accuracyAfter: 0.7, gpuSeconds: 10 },
  },
  {
    configuration: 'slow',
    accuracyAfter: 0.9,
    gpuSeconds: 60,
    estimate: { accuracyAfter: 0.95, gpuSeconds: 60 },
  },
]
const trace = {
  version: 1,
  inferenceProfile: { maxShare: 0.25, subsampling: [1, 10], accuracyFactor: [1, 0.2] },
  streams: ['a', 'b', 'c'].map((name, i) => ({
    name,
    windows: Array.from({ length: i === 2 ? 1 : 2 }, () => ({ accuracyBefore: 0.6, retraining })),
  })),
}

describe('ekya simulate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ekya-simulate-'))
  after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const path = file('trace.json', trace)
  const simulate = (policy: string, ...more: string[]) =>
    ekya('simulate', '--trace', path, '--gpus', '1', '--policy', policy, ...more)
  const json = async (policy: string, ...more: string[]) => {
    const { status, stdout, stderr } = await simulate(policy, '--json', ...more)
    expect(status, stderr).to.equal(0)
    return JSON.parse(stdout)
  }

  it('prints a record as JSON', async () => {
    const result = await json('thief', '--sees', 'estimate', '--window', '100')
    expect(result).to.have.all.keys('policy', 'sees', 'gpus', 'windowSeconds', 'meanAccuracy', 'windows')
    expect(result).to.include({ policy: 'thief', sees: 'estimate', gpus: 1, windowSeconds: 100 })
    expect(result.windows.map((w: { index: number }) => w.index)).to.deep.equal([0, 1])
    for (const window of result.windows) {
      expect(window).to.have.all.keys('index', 'meanAccuracy', 'schedulerSeconds', 'streams', 'warnings')
      expect(window.schedulerSeconds).to.be.above(0)
      for (const stream of window.streams)
        expect(stream).to.have.all.keys(
          'name',
          'accuracy',
          'configuration',
          'completesAt',
          'inferenceShare',
          'trainingShare',
          'reason',
        )
    }
    expect(result.windows.map((w: { streams: unknown[] }) => w.streams.length)).to.deep.equal([3, 2])
    const means = result.windows.map((w: { meanAccuracy: number }) => w.meanAccuracy)
    expect(result.meanAccuracy).to.be.closeTo((means[0] + means[1]) / 2, 1e-12)
  })

  describe('with estimates knows from before', () => {
    const of = async (...more: string[]) => {
      const { record, windows } = await json('horizon', '--sees', 'estimate', ...more)
      const accuracies = windows.map((w: { meanAccuracy: number }) => w.meanAccuracy)
      return { record, accuracies }
    }

    for (const { name, args, want } of [
      { name: 'the streams that are not replayed', args: ['--streams', '1'], want: ['b', 'c'] },
      { name: 'what is named', args: ['--streams', '1', '--record', 'c'], want: ['c'] },
      { name: 'nothing on request', args: ['--streams', '1', '--no-record'], want: undefined },
      { name: 'nothing where all are replayed', args: [], want: undefined },
    ])
      it(name, async () => expect((await of(...args)).record).to.deep.equal(want))

    it('nothing where it sees what comes true', async () => {
      expect(await json('horizon', '--streams', '1')).to.not.have.property('record')
    })

    it('and says so', async () => {
      const { stdout } = await simulate('horizon', '--sees', 'estimate', '--streams', '1')
      expect(stdout).to.include('known from before: what retraining b, c came to\n')
    })
  })

  it('tells of floors that no plan can keep, as text and as JSON', async () => {
    const [a, ...others] = trace.streams
    const steep = file('steep.json', { ...trace, streams: [{ ...a, minAccuracy: 0.7 }, ...others] })
    const run = (...more: string[]) =>
      ekya('simulate', '--trace', steep, '--gpus', '1', '--policy', 'horizon', ...more)
    const { windows } = JSON.parse((await run('--json')).stdout)
    for (const { warnings } of windows) {
      expect(warnings).to.have.length(1)
      expect(warnings[0]).to.match(/^a: the accuracy floor of 70\.0 % cannot be kept: /)
    }
    expect((await run()).stdout).to.include(`  warning: ${windows[0].warnings[0]}\n`)
  })

  it('spells out control characters of names for people, and leaves them to programs', async () => {
    const named = (name: string, configuration: string) => ({
      name,
      windows: [{ accuracyBefore: 0.6, retraining: [{ ...retraining[0], configuration }] }],
    })
    const odd = file('odd.json', {
      ...trace,
      streams: [named('\x1b[31mcam', 'quick\nwindow 9: 99.9 %'), named('b\x9b2J', 'quick')],
    })
    const run = (...more: string[]) =>
      ekya('simulate', '--trace', odd, '--gpus', '1', '--policy', 'thief', ...more)
    const { stdout } = await run()
    expect(stdout).to.match(/^ {2}\\u001b\[31mcam .* retrain quick\\nwindow 9: 99\.9 %: 60\.0 → 80\.0 %/m)
    expect(stdout.replaceAll('\n', '')).to.not.match(/\p{Cc}/u)
    expect(JSON.parse((await run('--json')).stdout).windows[0].streams[0].name).to.equal('\x1b[31mcam')
    const { stderr } = await run('--stream', 'c\x07')
    expect(stderr).to.match(
      /--stream c\\u0007: no such stream in .*, accepted: \\u001b\[31mcam, b\\u009b2J\n$/,
    )
  })

  it('prints a table with the plan and its reasons', async () => {
    const { status, stdout } = await simulate('thief')
    expect(status).to.equal(0)
    expect(stdout).to.match(
      /^policy thief on 1 GPU, windows of 200 s, sees actual profiles\nmean accuracy \d\d\.\d %/,
    )
    expect(stdout).to.match(/window 1: \d\d\.\d % \(scheduler \d\.\d{3} s\)/)
    expect(stdout).to.match(/a +\d\d\.\d +0\.\d{3} +0\.\d{3} +\d+\.\d {2}retrain \w+: 60\.0 → /)
  })

  it('takes streams by number or name, options of the policy, and a delay', async () => {
    const names = (result: { windows: { streams: { name: string }[] }[] }) =>
      result.windows[0]!.streams.map(s => s.name)
    expect(names(await json('none', '--streams', '2'))).to.deep.equal(['a', 'b'])
    expect(names(await json('none', '--stream', 'c', 'a'))).to.deep.equal(['a', 'c'])
    const fair = (...more: string[]) =>
      json(
        'fair',
        '--streams',
        '2',
        '--policy-option',
        'configuration=quick',
        '--policy-option',
        'inferenceWeight=0.6',
        ...more,
      )
    const [a] = (await fair()).windows[0].streams
    expect(a).to.include({ configuration: 'quick', inferenceShare: 0.3, trainingShare: 0.2, completesAt: 50 })
    expect((await fair('--delay', '7')).windows[0].streams[0].completesAt).to.be.closeTo(57, 1e-9)
  })

  it('reads the file of a policy', async () => {
    const schedule = file('schedule.json', {
      1: { 0: { a_0_inference: 0.5, a_0_train_slow: 0.5 } },
      2: { 0: { a_0_inference: 1 } },
    })
    const { windows } = await json('replay', '--streams', '1', '--policy-option', `schedule=${schedule}`)
    expect(windows[0].streams[0]).to.include({ configuration: 'slow', completesAt: 120 })
    expect(windows[1].streams[0]).to.include({ configuration: null, inferenceShare: 1 })
  })

  it('draws by seed', async () => {
    const drawn = async (seed: string) =>
      (await json('fair-random', '--seed', seed)).windows[0].streams.map(
        (s: { configuration: string }) => s.configuration,
      )
    expect(await drawn('1')).to.deep.equal(await drawn('1'))
    expect(
      new Set(await Promise.all(['1', '2', '3', '4', '5'].map(async s => `${await drawn(s)}`))).size,
    ).to.be.above(1)
  })

  it('tells what cannot be exceeded when asked to', async () => {
    const { meanAccuracy, bound } = await json('horizon', '--bound')
    expect(bound).to.be.within(meanAccuracy, 1)
    expect((await json('horizon')).bound).to.equal(undefined)
  })

  it('charges resizes', async () => {
    const schedule = file('resize.json', {
      1: { 0: { a_0_inference: 0.5, a_0_train_slow: 0.5 }, 60: { a_0_train_slow: 0.25 } },
      2: { 0: { a_0_inference: 1 } },
    })
    const done = async (...more: string[]) =>
      (await json('replay', '--streams', '1', '--policy-option', `schedule=${schedule}`, ...more)).windows[0]
        .streams[0].completesAt
    expect(await done()).to.equal(180)
    expect(await done('--resize-seconds', '5')).to.equal(185)
  })

  for (const { name, args, want } of [
    {
      name: 'an unknown policy, naming those that there are',
      args: ['--trace', path, '--gpus', '1', '--policy', 'greedy'],
      want: /^ekya: simulate: no policy "greedy", accepted: thief, horizon, fair, none, .*oracle-best-fixed\n$/,
    },
    {
      name: 'wrong numbers, all at once',
      args: [
        '--trace',
        path,
        '--gpus',
        '0',
        '--policy',
        'fair',
        '--window',
        'long',
        '--step',
        '3',
        '--seed',
        '-1',
      ],
      want: /4 problems\n {2}--gpus: "0" .*\n {2}--window: "long" .*seconds.*\n {2}--step: "3" .*\n {2}--seed: "-1"/,
    },
    {
      name: 'a delay that leaves nothing',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--delay', '200'],
      want: /--delay: "200" is not accepted; accepted: seconds from 0, less than the window/,
    },
    {
      name: 'an unknown option of the policy',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--policy-option', 'speed=1'],
      want: /policy fair: speed is not an option; accepted: inferenceWeight \(a number from 0 to 1\), configuration/,
    },
    {
      name: 'a configuration that the trace does not have, naming those that it has',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--policy-option', 'configuration=NOSUCH'],
      want: /policy fair: configuration is "NOSUCH", which is no retraining configuration here; accepted: quick, slow\n$/,
    },
    {
      name: 'a number too large to be one, as it was given',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--policy-option', 'inferenceWeight=1e999'],
      want: /policy fair: inferenceWeight is Infinity, accepted is a number from 0 to 1;/,
    },
    {
      name: 'a seed beyond what --seed takes, as an option of the policy too',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair-random', '--policy-option', 'seed=2147483648'],
      want: /policy fair-random: seed is 2147483648, accepted is a whole number from 0 to 2147483647;/,
    },
    {
      name: 'a policy option without a value',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--policy-option', 'speed'],
      want: /--policy-option: "speed" is not accepted; accepted: NAME=VALUE/,
    },
    {
      name: 'an unknown stream',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--stream', 'x'],
      want: /--stream x: no such stream in .*trace\.json, accepted: a, b, c/,
    },
    {
      name: 'a record of an unknown stream',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--record', 'a', 'y'],
      want: /--record y: no such stream in .*trace\.json, accepted: a, b, c/,
    },
    {
      name: 'a record of what is replayed',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--streams', '1', '--record', 'a', 'b'],
      want: /--record a: replayed as well, .*accepted: streams that --streams or --stream leaves out/,
    },
    {
      name: 'more streams than there are',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--streams', '4'],
      want: /--streams 4: .*trace\.json has 3 streams: a, b, c/,
    },
    {
      name: 'streams by number and by name',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--streams', '1', '--stream', 'a'],
      want: /cannot be used with/,
    },
    {
      name: 'a file that is not there',
      args: ['--trace', join(folder, 'no.json'), '--gpus', '1', '--policy', 'fair'],
      want: /cannot read .*no\.json: there is no such file/,
    },
    {
      name: 'a trace that is none, with file and path',
      args: [
        '--trace',
        file('bad.json', {
          ...trace,
          streams: [{ name: 'a', windows: [{ accuracyBefore: 7, retraining }] }],
        }),
        '--gpus',
        '1',
        '--policy',
        'fair',
      ],
      want: /^ekya: simulate: .*bad\.json: streams\[0\]\.windows\[0\]\.accuracyBefore: 7 is too large; accepted: a number from 0 to 1\n$/,
    },
    { name: 'no trace', args: ['--gpus', '1', '--policy', 'fair'], want: /required option '--trace <file>'/ },
    {
      name: 'what it may see',
      args: ['--trace', path, '--gpus', '1', '--policy', 'fair', '--sees', 'all'],
      want: /Allowed choices are actual, estimate/,
    },
  ])
    it(`refuses ${name}, with status 2`, async () => {
      const { status, stdout, stderr } = await ekya('simulate', ...args)
      expect(status, stderr).to.equal(2)
      expect(stdout).to.equal('')
      expect(stderr).to.match(want)
      expect(stderr).to.not.match(/\n\s+at /)
    })

  it('fails with status 1 where a schedule gives more than there is', async () => {
    const schedule = file('greedy.json', { 1: { 0: { a_0_inference: 3 } }, 2: { 0: { a_0_inference: 1 } } })
    const { status, stderr } = await simulate(
      'replay',
      '--streams',
      '1',
      '--policy-option',
      `schedule=${schedule}`,
    )
    expect(status).to.equal(1)
    expect(stderr).to.match(/the policy gives 3 GPUs at 0\.000 s; accepted: shares .* at most 1/)
  })

  it('has help', async () => {
    const { status, stdout } = await ekya('simulate', '--help')
    expect(status).to.equal(0)
    expect(stdout).to.match(/--trace <file>.*--policy-option <name=value>.*Examples:/s)
  })
})
