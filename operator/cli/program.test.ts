import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, before } from 'mocha'
import { stringify } from 'yaml'
import { badManifests, goodManifests } from '../api/testing/manifests.ts'
import { runEkya } from './testing/run-ekya.ts'

describe('ekya', () => {
  for (const { args, want, stdout, stderr } of [
    { args: ['--help'], want: 0, stdout: /operator .*worker ROLE.*validate FILE.*version.*Examples:/s },
    { args: [], want: 2, stderr: /Usage: ekya COMMAND/ },
    { args: ['frobnicate'], want: 2, stderr: /unknown command 'frobnicate'/ },
    { args: ['valdate'], want: 2, stderr: /Did you mean validate/ },
    { args: ['--frobnicate'], want: 2, stderr: /unknown option '--frobnicate'/ },
    { args: ['version'], want: 0, stdout: /^ekya \d+\.\d+\.\d+ / },
    { args: ['version', 'extra'], want: 2, stderr: /too many arguments/ },
    { args: ['operator', '--help'], want: 0, stdout: /--storage <VOLUME>.*EKYA_STORAGE/s },
    { args: ['worker', '--help'], want: 0, stdout: /inference, profile or training/ },
    { args: ['validate', '--help'], want: 0, stdout: /--json/ },
    { args: ['version', '--help'], want: 0, stdout: /--json/ },
    { args: ['worker'], want: 2, stderr: /role/ },
    { args: ['worker', 'cook'], want: 2, stderr: /accepted: inference, profile, training/ },
    { args: ['validate'], want: 2, stderr: /file/ },
    { args: ['validate', '/nonexistent.yaml'], want: 2, stderr: /nonexistent\.yaml: there is no such file/ },
    { args: ['validate', '-', '-'], want: 2, stderr: /once only/ },
    {
      args: ['operator', '--seed', 'x', '--what'],
      want: 2,
      stderr:
        /operator: 3 problems\n {2}--what: .*\n {2}--storage: .*\n {2}--seed: "x" .*\nRun `ekya operator --help`/,
    },
    { args: ['operator', '--seed'], want: 2, stderr: /argument missing/ },
  ]) {
    it(`answers \`${['ekya', ...args].join(' ')}\` with status ${want}`, async () => {
      const result = await runEkya(args)
      expect(result.status, result.stderr).to.equal(want)
      expect(result.stdout).to.match(stdout ?? /^$/)
      expect(result.stderr).to.match(stderr ?? /^$/)
      expect(result.stderr).to.not.match(/\n\s+at /)
    })
  }

  it('prints the version as JSON', async () => {
    const { stdout } = await runEkya(['version', '--json'])
    expect(JSON.parse(stdout)).to.include.keys('version', 'api', 'node', 'platform')
  })

  it('runs as a program', () => {
    const path = new URL('./launch.mjs', import.meta.url).pathname
    expect(execFileSync(process.execPath, [path, 'version'], { encoding: 'utf8' })).to.match(/^ekya /)
  })

  it('names what is missing where nothing is installed', () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'ekya-launch-'))
    try {
      const path = join(elsewhere, 'launch.mjs')
      copyFileSync(new URL('./launch.mjs', import.meta.url), path)
      const { status, stderr } = spawnSync(process.execPath, [path, 'version'], { encoding: 'utf8' })
      expect(status).to.equal(1)
      expect(stderr).to.match(/^ekya: its npm packages are not installed yet; run /)
      expect(stderr).to.not.match(/\n\s+at /)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })
})

describe('ekya validate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ekya-validate-'))
  after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }

  const all = (list: readonly { readonly manifest: object }[]) =>
    list.map(({ manifest }) => stringify(manifest)).join('---\n')

  let good: string
  let bad: string
  before(() => {
    good = file('good.yaml', all(goodManifests))
    bad = file('bad.yaml', all(badManifests))
  })

  for (const { name, text, says } of [
    { name: 'an alias of nothing', text: 'a: 1\nb: *nope', says: /Unresolved alias.*nope/ },
    { name: 'broken YAML', text: 'a: [1', says: /broken\.yaml:\d+: / },
    { name: 'nothing in it', text: '---\n# to be written\n', says: /the file holds no document/ },
    {
      name: 'one of our kinds under another group',
      text: 'apiVersion: ekya.io/v1\nkind: CameraStream\nmetadata: { name: Cam }\nspec: {}',
      says: /apiVersion: "ekya\.io\/v1" is unknown; accepted: ekya\.dev\/v1alpha1[\s\S]*metadata\.name: /,
    },
  ])
    it(`names the file and goes on with the others where one has ${name}`, async () => {
      const { status, stdout } = await runEkya(['validate', file('broken.yaml', text), good])
      expect(status).to.equal(1)
      expect(stdout)
        .to.match(says)
        .and.match(/broken\.yaml:1/)
      expect(stdout).to.include(`${goodManifests.length} valid, 1 invalid`)
    })

  it('takes good manifests', async () => {
    const { status, stdout } = await runEkya(['validate', good])
    expect(status, stdout).to.equal(0)
    expect(stdout).to.include(`${goodManifests.length} valid, 0 invalid`)
  })

  it('refuses every bad manifest, with file, line, path and what is accepted', async () => {
    const { status, stdout } = await runEkya(['validate', bad, good])
    expect(status).to.equal(1)
    expect(stdout).to.include(`${goodManifests.length} valid, ${badManifests.length} invalid`)
    const lines = stdout.split('\n').filter(line => line.startsWith(bad))
    expect(lines).to.have.length(badManifests.length)
    for (const [i, { path, accepted }] of badManifests.entries()) {
      expect(lines[i])
        .to.include(path)
        .and.match(accepted)
        .and.match(/bad\.yaml:\d+: (CameraStream|Retr)/)
    }
  })

  it('says of a valid camera that no worker can read it, and what they read', async () => {
    const { manifest } = goodManifests.find(({ name }) => name === 'a camera with credentials')!
    // A kind that is null counts as absent.
    const camera = stringify(manifest).replace('source:\n', 'source:\n    scene: null\n')
    expect(camera).to.include('scene: null')
    const note = 'spec.source.rtsp: workers cannot read such a source yet; accepted: samples, scene'
    const { status, stdout } = await runEkya(['validate', '-'], { stdin: camera })
    expect(status, stdout).to.equal(0)
    expect(stdout)
      .to.match(/^stdin:1: CameraStream \S+: valid, and not served: spec/)
      .and.include(note)
    const json = await runEkya(['validate', '--json', '-', good], { stdin: camera })
    const notes = (JSON.parse(json.stdout).documents as { note?: string }[]).map(document => document.note)
    expect(notes[0]).to.equal(note)
    expect(notes).to.include(undefined)
  })

  it('prints JSON', async () => {
    const { status, stdout } = await runEkya(['validate', '--json', '-'], {
      stdin: all(badManifests.slice(0, 2)),
    })
    expect(status).to.equal(1)
    const result = JSON.parse(stdout)
    expect(result).to.deep.include({ valid: false, problems: 2 })
    expect(result.documents[1]).to.deep.include({ file: 'stdin', document: 2, object: 'CameraStream cam-1' })
  })

  it('points at the line', async () => {
    const text = [
      '# A site.',
      'apiVersion: ekya.dev/v1alpha1',
      'kind: RetrainingWindow',
      'metadata:',
      '  name: site',
      'spec:',
      '  retraining:',
      '    configurations:',
      '      - name: a',
      '        epochs: 5',
      '      - name: a',
      '        epochs: none',
    ].join('\n')
    const { stdout } = await runEkya(['validate', '-'], { stdin: text })
    expect(stdout).to.include(
      'stdin:12: RetrainingWindow site: spec.retraining.configurations[1].epochs: "none" is',
    )
    expect(stdout).to.include(
      'stdin:11: RetrainingWindow site: spec.retraining.configurations[1].name: "a" is there',
    )
  })

  it('skips what is not of the group, and empty documents', async () => {
    const text =
      '---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n---\n# nothing\n'
    const { status, stdout } = await runEkya(['validate', '-'], { stdin: text })
    expect(status).to.equal(0)
    expect(stdout).to.include('ConfigMap b/a: skipped').and.include('0 valid, 0 invalid, 1 skipped')
  })

  it('looks into lists', async () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [goodManifests[0]!.manifest, badManifests[0]!.manifest],
    }
    const { status, stdout } = await runEkya(['validate', '-'], { stdin: JSON.stringify(list) })
    expect(status).to.equal(1)
    expect(stdout).to.include('items[1].spec.source: is missing')
  })

  for (const { name, text, want } of [
    { name: 'YAML that is none', text: 'a: [1\nb: 2', want: /stdin:\d+: document: cannot be read as YAML/ },
    { name: 'a key twice', text: 'a: 1\na: 2', want: /unique/ },
    { name: 'a document of nobody', text: 'spec: {}', want: /apiVersion: nothing is unknown/ },
    { name: 'a text', text: 'hello', want: /mapping/ },
  ]) {
    it(`refuses ${name}`, async () => {
      const { status, stdout } = await runEkya(['validate', '-'], { stdin: text })
      expect(status).to.equal(1)
      expect(stdout).to.match(want)
    })
  }

  it('reads words as kubectl does', async () => {
    const manifest = stringify(goodManifests[0]!.manifest)
      .replace('- car', '- off')
      .replace('- truck', '- 12:30')
    const { stdout } = await runEkya(['validate', '-'], { stdin: manifest })
    expect(stdout).to.include('spec.classes[0]: false is a boolean').and.not.include('classes[1]')
  })
})
