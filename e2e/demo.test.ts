/** The demo as a stranger runs it: one command, real control plane, real training, and nothing left behind. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Summary } from '../hack/demo/summary.ts'

const repository = fileURLToPath(new URL('../', import.meta.url))

/** Processes whose command line or environment names the folder. */
async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    const read = (file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')
    const command = await read('cmdline')
    if (`${command}${await read('environ')}`.includes(folder) && Number(pid) !== process.pid)
      found.push(command.replaceAll('\0', ' '))
  }
  return found
}

describe('the demo', function () {
  this.timeout(240_000)

  it('runs two windows, reports them, and leaves no process and no file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ekya-e2e-'))
    try {
      const json = join(folder, 'out.json')
      const args = [
        'hack/demo/main.ts',
        '--cameras',
        '2',
        '--window',
        '30s',
        '--windows',
        '2',
        '--json',
        json,
      ]
      const demo = spawn(process.execPath, args, {
        cwd: repository,
        env: { ...process.env, EKYA_E2E: folder },
      })
      let output = ''
      for (const stream of [demo.stdout, demo.stderr]) stream.on('data', chunk => (output += chunk))
      const [status] = await once(demo, 'exit')
      expect(status, output).to.equal(0)

      const summary = JSON.parse(await readFile(json, 'utf8')) as Summary
      expect(summary.policy).to.equal('thief')
      expect(summary.windows.map(window => window.index)).to.deep.equal([0, 1])
      for (const { streams } of summary.windows) {
        expect(streams.map(stream => stream.name)).to.deep.equal(['cam-0', 'cam-1'])
        for (const stream of streams) {
          expect(stream.accuracyRealised, output).to.be.within(0, 1)
          expect(stream.accuracyWithout).to.be.within(0, 1)
          expect(stream.framesOffered).to.be.above(0)
          expect(stream.framesAnalysed! + stream.framesDropped!).to.be.at.most(stream.framesOffered!)
        }
      }
      expect(await processesOf(folder)).to.deep.equal([])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
