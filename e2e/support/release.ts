/** A release of the chart in a suite's cluster, by the commands that people use. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chartFolder, helm, type Values } from '../../hack/chart/render.ts'
import type { ApiServer } from '../../hack/testing/api-server.ts'

export const releaseName = 'ekya'

export class Release {
  readonly #api: ApiServer
  readonly #folder: string

  /** @param folder existing; for helm's caches and for values */
  constructor(api: ApiServer, folder: string) {
    this.#api = api
    this.#folder = folder
  }

  /** With the values given in addition to those of the release. */
  upgrade(chart: string, values: Values, ...options: readonly string[]): Promise<string> {
    const file = join(this.#folder, 'values.json')
    writeFileSync(file, JSON.stringify(values))
    return this.#helm('upgrade', '--install', releaseName, chart, '--values', file, ...options)
  }

  /** The pod is deleted when it succeeds, so that `--logs` would find none. @throws Error when it fails */
  test(): Promise<string> {
    return this.#helm('test', releaseName, '--timeout', '90s')
  }

  uninstall(): Promise<string> {
    return this.#helm('uninstall', releaseName, '--wait')
  }

  /** The chart as another version, packaged. There is no earlier release whose package could be taken. */
  async package(version: string): Promise<string> {
    const source = join(this.#folder, `chart-${version}`)
    const output = join(this.#folder, 'packages')
    cpSync(chartFolder, source, { recursive: true })
    mkdirSync(output, { recursive: true })
    const file = join(source, 'Chart.yaml')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace(/^(version|appVersion): .*$/gm, `$1: "${version}"`))
    await helm(['package', source, '--destination', output], this.#folder)
    return join(output, `ekya-${version}.tgz`)
  }

  #helm(...args: readonly string[]): Promise<string> {
    const access = ['--kubeconfig', this.#api.kubeconfig(), '--namespace', this.#api.namespace()]
    return helm([...args, ...access], this.#folder)
  }
}
