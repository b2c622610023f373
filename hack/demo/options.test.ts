import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { parseOptions, UsageError } from './options.ts'

describe('options of the demo', () => {
  let folder = ''
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'ekya-demo-options-'))
    for (const name of ['samples', 'samples/cam-0', 'samples/cam-1', 'bare', 'bare/cam-0'])
      mkdirSync(join(folder, name))
    for (const name of ['model.onnx', 'config', 'samples/pretrain.csv']) writeFileSync(join(folder, name), '')
  })
  after(() => rmSync(folder, { recursive: true }))

  const parse = (line: string) => parseOptions(line.split(' ').filter(Boolean), folder)
  const refused = (line: string): UsageError => {
    try {
      parse(line)
    } catch (error) {
      if (error instanceof UsageError) return error
      throw error
    }
    throw new Error(`"${line}" was accepted`)
  }

  it('has defaults for everything', () =>
    expect(parse('')).to.deep.equal({
      cameras: 4,
      window: '60s',
      windowSeconds: 60,
      windows: null,
      policy: 'thief',
      source: { kind: 'scene' },
      model: null,
      kubeconfig: null,
      gpu: false,
      seed: 1,
      frameRate: null,
      json: null,
      keep: false,
    }))

  it('reads all of them, with paths from where the person stands', () =>
    expect(
      parse(
        '--cameras 2 --window 1m30s --windows 3 --policy fair --source samples:samples --model model.onnx --kubeconfig config --gpu --seed 7 --frame-rate 12.5 --json out.json --keep',
      ),
    ).to.deep.equal({
      cameras: 2,
      window: '1m30s',
      windowSeconds: 90,
      windows: 3,
      policy: 'fair',
      source: { kind: 'samples', folder: join(folder, 'samples') },
      model: join(folder, 'model.onnx'),
      kubeconfig: join(folder, 'config'),
      gpu: true,
      seed: 7,
      frameRate: 12.5,
      json: join(folder, 'out.json'),
      keep: true,
    }))

  for (const { line, want } of [
    { line: '--cameras 0', want: '--cameras 0: accepted is a whole number from 1 to 32' },
    { line: '--cameras 2.5', want: '--cameras 2.5: accepted is a whole number' },
    { line: '--window 5s', want: '--window 5s: accepted are durations from 10s to 24h' },
    { line: '--window soon', want: '--window soon: accepted are durations' },
    { line: '--windows none', want: '--windows none: accepted is a whole number from 1' },
    { line: '--policy magic', want: '--policy magic: unknown; accepted: thief, ' },
    { line: '--source video:x', want: '--source video:x: accepted are scene and samples:FOLDER' },
    { line: '--source samples:nowhere', want: 'there is no such folder' },
    { line: '--source samples:samples --cameras 3', want: 'has no folder cam-2, but --cameras is 3' },
    { line: '--source samples:bare --cameras 1', want: 'has no pretrain.csv' },
    { line: '--model nothing.onnx', want: '--model nothing.onnx: there is no such file' },
    { line: '--kubeconfig samples', want: '--kubeconfig samples: there is no such file' },
    { line: '--frame-rate 61', want: '--frame-rate 61: accepted is a number from 0.1 to 60' },
    { line: '--json out.json', want: '--json needs --windows N' },
    { line: '--windows 1 --json no/out.json', want: 'its folder does not exist' },
    { line: '--windows 1 --json samples', want: '--json samples: is a folder' },
    { line: '--fast', want: '--fast: not known' },
    { line: 'extra', want: 'extra: not known' },
    { line: '--cameras', want: 'argument missing' },
  ])
    it(`refuses ${line}`, () => {
      const error = refused(line)
      expect(error.message).to.include(want)
      expect(error.exitStatus).to.equal(2)
    })

  it('reports all problems at once', () =>
    expect(refused('--cameras 0 --policy magic --json x').message.split('\n')).to.have.length(2 + 3))

  it('takes a samples folder without pretrain.csv when a model is given', () =>
    expect(parse('--source samples:bare --cameras 1 --model model.onnx').source.kind).to.equal('samples'))

  it('gives help with status 0', () => {
    const help = refused('--help')
    expect(help.exitStatus).to.equal(0)
    expect(help.message).to.include('--kubeconfig <file>')
  })
})
