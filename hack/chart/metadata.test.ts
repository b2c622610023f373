/** What the chart says of itself, and of metrics, is what there is. */
import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { parse } from 'yaml'
import { validateManifest } from '../../operator/api/validate.ts'
import { options } from '../../operator/config/options.ts'
import { packageVersion } from '../../operator/config/version.ts'
import { definitions } from '../../operator/metrics/definitions.ts'
import { createMetrics } from '../../operator/metrics/registry.ts'
import { readComments, renderChartReadme, renderCrdTemplate } from '../generate/chart.ts'
import { archivePrefix, images } from '../images/images.ts'
import { metricsIn, nodeAgentMetrics } from './testing/metrics-in.ts'

const root = new URL('../../', import.meta.url)
const text = (path: string): string => readFileSync(new URL(path, root), 'utf8')

interface Chart {
  readonly version: string
  readonly appVersion: string
  readonly annotations: Readonly<Record<string, string>>
}
const chart = parse(text('charts/ekya/Chart.yaml')) as Chart
const annotation = <T>(name: string): T => parse(chart.annotations[`artifacthub.io/${name}`] ?? '') as T

describe("the chart's metadata", () => {
  it('has the version of the package', () => {
    expect(chart.version).to.equal(packageVersion)
    expect(chart.appVersion).to.equal(packageVersion)
  })

  it('has what catalogues of charts show', () => {
    const shown = ['license', 'category', 'prerelease', 'links', 'changes', 'images', 'crds', 'crdsExamples']
    for (const name of shown) expect(annotation(name), name).to.be.ok
    for (const { name, url } of annotation<{ name: string; url: string }[]>('links'))
      expect([name, new URL(url).protocol]).to.deep.equal([name, 'https:'])
  })

  it('names the images that it installs', () => {
    const values = parse(text('charts/ekya/values.yaml')) as Record<string, { image: { repository: string } }>
    const images = ['operator', 'worker', 'nodeAgent'].map(
      name => `${values[name]?.image.repository}:${packageVersion}`,
    )
    expect(annotation<{ image: string }[]>('images').map(({ image }) => image)).to.have.members([
      ...new Set(images),
    ])
  })

  it('installs images by the names that the build gives them', () => {
    const values = parse(text('charts/ekya/values.yaml')) as Record<string, { image: { repository: string } }>
    const repositories = ['operator', 'worker', 'nodeAgent'].map(part => values[part]?.image.repository)
    expect(repositories).to.have.members(images.map(({ name }) => `ekya-${name}`))
    expect(options.workerImage.default).to.equal(`${values.worker?.image.repository}:${packageVersion}`)
    for (const page of ['README.md', 'docs/install.md'])
      expect(text(page), page).to.include(`\`${archivePrefix}\``)
  })

  it('lists the definitions in crds/', () => {
    const crds = ['camerastreams', 'retrainingwindows'].map(name => {
      const { metadata, spec } = parse(text(`crds/ekya.dev_${name}.yaml`))
      return { name: metadata.name, kind: spec.names.kind, version: spec.versions[0].name }
    })
    const listed = annotation<{ name: string; kind: string; version: string }[]>('crds')
    expect(listed.map(({ name, kind, version }) => ({ name, kind, version }))).to.deep.equal(crds)
  })

  it('shows examples that the API server takes', () => {
    const examples = annotation<object[]>('crdsExamples')
    expect(examples).to.have.length(2)
    for (const example of examples) expect(validateManifest(example)).to.deep.equal([])
  })
})

describe('metrics in the chart', () => {
  const known = new Set<string>()
  before(async () => {
    for (const line of (await createMetrics({ version: '0' }).registry.metrics()).split('\n')) {
      const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
      if (name === undefined) continue
      known.add(name)
      if (type === 'histogram') for (const end of ['bucket', 'sum', 'count']) known.add(`${name}_${end}`)
    }
    for (const name of Object.keys(definitions)) expect(known).to.include(name)
    for (const name of nodeAgentMetrics()) {
      expect(known, 'one of each name').not.to.include(name)
      known.add(name)
    }
  })

  for (const file of ['alerts.yaml', 'dashboard.json'])
    it(`of ${file} are on /metrics of the operator, or of the node agent`, () => {
      const used = metricsIn(text(`charts/ekya/files/${file}`))
      expect(used).to.have.length.above(10)
      expect(used.filter(name => !known.has(name))).to.deep.equal([])
    })

  it('of the dashboard have panels of their own ids, in a grid of 24 columns', () => {
    interface Panel {
      readonly id: number
      readonly gridPos: { readonly x: number; readonly w: number }
    }
    const { panels } = JSON.parse(text('charts/ekya/files/dashboard.json')) as {
      readonly panels: readonly Panel[]
    }
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length)
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).to.be.at.most(24)
  })
})

describe('what is generated for the chart', () => {
  it('reads comments of values by their keys', () => {
    const values =
      '# no\na:\n  # -- one\n  # line\n  b: 1\n  # -- two\n  c:\n    - key: x\n# -- three\nd: {}\n'
    expect([...readComments(values)]).to.deep.equal([
      ['a.b', 'one line'],
      ['a.c', 'two'],
      ['d', 'three'],
    ])
  })

  it('refuses a value without a comment', () => {
    const facts = { description: '', appVersion: '1', kubeVersion: '>=1' }
    expect(() => renderChartReadme(facts, '# -- one\na: 1\nb: 2\n')).to.throw(/b has no comment/)
  })

  it('refuses a definition that a template would change', () => {
    const crd = 'kind: X\nmetadata:\n  name: a\nspec: {}\n'
    expect(renderCrdTemplate(crd, 'a.yaml')).to.match(/name: a\n {2}labels:\n/)
    expect(() => renderCrdTemplate(`${crd}# {{ x }}\n`, 'a.yaml')).to.throw(/\{\{/)
    expect(() => renderCrdTemplate('metadata:\n  name: a\n  labels: {}\n', 'a.yaml')).to.throw(/metadata/)
  })
})
