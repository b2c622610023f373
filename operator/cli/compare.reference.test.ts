import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { smallTrace } from '../simulate/compare/testing/small.ts'
import { runEkya } from './testing/run-ekya.ts'

const ekya = (isTTY: boolean, ...args: string[]) => runEkya(args, { isTTY })

describe('ekya compare', function () {
  this.timeout(30_000)
  const folder = mkdtempSync(join(tmpdir(), 'ekya-compare-'))
  after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name)
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const trace = file('trace.json', smallTrace)
  const quick = ['--trace', trace, '--gpus', '2,1', '--streams', '3', '--jobs', '1', '--no-sensitivity']
  const compare = (...more: string[]) => ekya(false, 'compare', ...quick, ...more)

  it('prints mean accuracies, policies as columns, and progress beside', async () => {
    const { status, stdout, stderr } = await compare('--policies', 'thief,none', '--sees', 'actual,estimate')
    expect(status, stderr).to.equal(0)
    expect(stdout).to.match(
      /^mean accuracy in % on .*trace\.json, windows of 200 s\n {2}GPUs {2}streams {2}sees {6}thief {3}none\n( {5}[12] {8}3 {2}(actual {2}|estimate) {2}\d\d\.\d\d {2}\d\d\.\d\d\n){4}$/,
    )
    expect(
      stdout
        .split('\n')
        .slice(2, 6)
        .map(line => line.trim().split(/ +/).slice(0, 3).join(' ')),
    ).to.deep.equal(['1 3 actual', '1 3 estimate', '2 3 actual', '2 3 estimate'])
    expect(stderr).to.match(/^(compare: \d of 8 runs\n)+$/)
    expect(stderr).to.match(/compare: 8 of 8 runs\n$/)
  })

  it('shows what is chosen in hindsight where what comes true is seen, and says why nowhere else', async () => {
    const out = join(folder, 'hindsight')
    const { status, stdout, stderr } = await compare(
      ...['--policies', 'thief,oracle-best-fixed', '--sees', 'actual,estimate', '--out', out],
    )
    expect(status, stderr).to.equal(0)
    const rows = stdout.split('\n').slice(2, 6)
    for (const row of rows)
      expect(row).to.match(/ actual /.test(row) ? /\d\d\.\d\d +\d\d\.\d\d$/ : /estimate +\d\d\.\d\d +–$/)
    const why = 'no estimates for oracle-best-fixed: chosen in hindsight, by what comes true'
    expect(stdout).to.include(`\n–: ${why}\n`)
    expect(readFileSync(join(out, 'index.html'), 'utf8')).to.include(why)
    const csv = readFileSync(join(out, 'results.csv'), 'utf8')
    expect(csv).to.match(/^grid,oracle-best-fixed,actual,/m)
    expect(csv).to.not.match(/oracle-best-fixed,estimate/)
  })

  it('rewrites one line on a terminal', async () => {
    const { stderr } = await ekya(true, 'compare', ...quick, '--policies', 'none')
    expect(stderr).to.equal(
      '\r\x1b[Kcompare: 1 of 2 runs (none, 3 streams on 2 GPUs)\r\x1b[Kcompare: 2 of 2 runs (none, 3 streams on 1 GPU)\n',
    )
  })

  it('prints a record as JSON, with options of policies', async () => {
    const policies = 'fair:configuration=slow:inferenceWeight=0.4,fair:configuration=quick'
    const { status, stdout, stderr } = await compare('--json', '--policies', policies, '--target', '0.7')
    expect(status, stderr).to.equal(0)
    const record = JSON.parse(stdout)
    expect(record).to.include({ generator: 'ekya compare', version: 1, sensitivity: null })
    expect(record.settings.policies).to.deep.equal(policies.split(','))
    expect(record.settings.targets).to.deep.equal([0.7])
    const [slow, fast] = record.cells
    expect(slow.meanAccuracy).to.not.equal(fast.meanAccuracy)
  })

  it('writes a folder, and again into what it wrote, but never over anything else', async () => {
    const out = join(folder, 'deep', 'results')
    const write = () => compare('--policies', 'none', '--out', out)
    expect((await write()).status).to.equal(0)
    const page = readFileSync(join(out, 'index.html'), 'utf8')
    expect(page).to.match(/^<!doctype html>.*<\/html>\n$/s)
    expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).cells).to.have.length(2)
    expect(readFileSync(join(out, 'results.csv'), 'utf8').split('\n')).to.have.length(4)
    expect((await write()).status, 'once more').to.equal(0)

    writeFileSync(join(out, 'notes.txt'), 'mine')
    const { status, stdout, stderr } = await write()
    expect(status).to.equal(2)
    expect(stdout).to.equal('')
    expect(stderr).to.match(
      /--out: .*results holds files that this command did not write: notes\.txt; accepted: a folder that is not there yet, an empty one, or one with nothing but what this command wrote \(results\.csv, results\.json, index\.html\)/,
    )
  })

  for (const { name, make } of [
    {
      name: "somebody else's page",
      make: (out: string) => writeFileSync(join(out, 'index.html'), '<!doctype html>\n<p>mine</p>'),
    },
    { name: 'a link of that name', make: (out: string) => symlinkSync(trace, join(out, 'index.html')) },
    { name: 'a folder of that name', make: (out: string) => mkdirSync(join(out, 'index.html')) },
  ])
    it(`does not take ${name} for its own`, async () => {
      const out = mkdtempSync(join(folder, 'out-'))
      make(out)
      const { status, stderr } = await compare('--policies', 'none', '--out', out)
      expect(status).to.equal(2)
      expect(stderr).to.match(/did not write: index\.html;/)
    })

  for (const { name, out, want } of [
    {
      name: 'where no folder can be made',
      out: '/proc/results/new',
      want: /cannot make the folder \/proc\/results\/new: /,
    },
    { name: 'below a file', out: join(trace, 'results'), want: /it, or a part of its path, is a file/ },
  ])
    it(`refuses a folder ${name} before the work`, async () => {
      const { status, stdout, stderr } = await compare('--policies', 'none', '--out', out)
      expect(status).to.equal(2)
      expect(stdout).to.equal('')
      expect(stderr)
        .to.match(want)
        .and.not.match(/ of 2 runs/)
    })

  it('reports a policy that fails in its cell, writes the rest and ends with status 1', async () => {
    const schedule = file('greedy.json', { 1: { 0: { a_0_inference: 2 } }, 2: { 0: { a_0_inference: 2 } } })
    const out = join(folder, 'failing')
    const { status, stdout } = await ekya(
      false,
      ...['compare', '--trace', trace, '--gpus', '1,2', '--streams', '1', '--jobs', '1', '--no-sensitivity'],
      ...['--policies', `replay:schedule=${schedule},none`, '--out', out],
    )
    expect(status).to.equal(1)
    expect(stdout).to.match(/ 1 {8}1 {2}actual +failed {2}\d\d\.\d\d\n/)
    expect(stdout).to.match(/ 2 {8}1 {2}actual +\d\d\.\d\d {2}\d\d\.\d\d\n/)
    expect(stdout).to.match(
      /failed: replay:schedule=.* with 1 stream on 1 GPU, sees actual: the policy gives 2 GPUs/,
    )
    expect(readFileSync(join(out, 'index.html'), 'utf8')).to.include('the policy gives 2 GPUs')
  })

  it('tells all that is wrong at once, and makes no folder then', async () => {
    const out = join(folder, 'unmade')
    const { status, stdout, stderr } = await ekya(
      false,
      ...['compare', '--trace', trace, '--gpus', '1,x,1', '--streams', '2,4', '--sees', 'all', '--jobs', '0'],
      ...[
        '--policies',
        'thief,nine,greedy,fair:speed=1,fair:configuration=nosuch',
        '--target',
        '2',
        '--delay',
        '200',
        '--out',
        out,
      ],
    )
    expect(status).to.equal(2)
    expect(stdout).to.equal('')
    const problems = stderr.split('\n').slice(1, -2)
    const wanted = [
      /^ {2}--gpus: "x" is not accepted; accepted: a number above 0/,
      /^ {2}--gpus: "1" is there twice; accepted: each once/,
      /^ {2}--streams: "4" is not accepted; accepted: a whole number from 1 to 3, the streams of .*trace\.json$/,
      /^ {2}--delay: "200" .*less than the window/,
      /^ {2}--policies: policy fair: speed is not an option; accepted: inferenceWeight/,
      /^ {2}--policies: policy fair: configuration is "nosuch", .*; accepted: quick, slow$/,
      /^ {2}--policies: no policy "nine", "greedy"; accepted: thief, .*oracle-best-fixed$/,
      /^ {2}--sees: "all" is not accepted; accepted: actual, estimate, or both/,
      /^ {2}--target: "2" .*an accuracy above 0 and at most 1/,
      /^ {2}--jobs: "0" .*a whole number from 1/,
    ]
    expect(problems).to.have.length(wanted.length)
    wanted.forEach((want, i) => {
      expect(problems[i]).to.match(want)
    })
    expect(existsSync(out)).to.equal(false)
  })

  it('refuses a trace that cannot be read or is none, with what else is wrong', async () => {
    const bad = file('bad.json', { ...smallTrace, streams: [] })
    for (const [path, want] of [
      [
        join(folder, 'no.json'),
        /2 problems\n {2}--trace: cannot read .*no\.json: there is no such file\n {2}--gpus: "0"/,
      ],
      [bad, /2 problems\n {2}--trace: .*bad\.json: streams: .*\n {2}--gpus: "0"/],
    ] as const) {
      const { status, stderr } = await ekya(
        false,
        ...['compare', '--trace', path, '--gpus', '0', '--streams', '2', '--policies', 'none'],
      )
      expect(status).to.equal(2)
      expect(stderr).to.match(want)
    }
  })

  it('has help', async () => {
    const { status, stdout } = await ekya(false, 'compare', '--help')
    expect(status).to.equal(0)
    expect(stdout).to.match(/--policies <names>.*--no-sensitivity.*--out <dir>.*Examples:/s)
  })
})
