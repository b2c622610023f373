import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'

const module = JSON.stringify(new URL('./end-signals.ts', import.meta.url).href)
/** Says on stdout what it does, and ends by a signal's handler only. */
const program = (body: string) => `
  const { endAtOnce, endInOrder } = await import(${module})
  setInterval(() => {}, 1 << 30)
  const say = line => process.stdout.write(line + '\\n')
  ${body}
  say('runs')`
const inOrder = program(`
  endAtOnce()
  const signal = endInOrder()
  signal.addEventListener('abort', () => say(signal.reason.message))`)

describe('the signals by which a process ends', function () {
  this.timeout(30_000)
  const line = async (child: ChildProcess): Promise<string> =>
    String((await once(child.stdout!, 'data'))[0]).trim()

  // Where no handler is left a process ends by the signal here, with the status null, and not at all as process 1.
  for (const { name, text, signals, says, want } of [
    {
      name: 'ends at once by a signal while it loads',
      text: program('endAtOnce()'),
      signals: ['SIGTERM'],
      want: 143,
    },
    {
      name: 'ends at once by an interrupt while it loads',
      text: program('endAtOnce()'),
      signals: ['SIGINT'],
      want: 130,
    },
    {
      name: 'ends at once by a second signal while it ends in order',
      text: inOrder,
      signals: ['SIGTERM', 'SIGTERM'],
      says: 'SIGTERM: the process is asked to end',
      want: 143,
    },
    {
      name: 'ends at once by another signal while it ends in order',
      text: inOrder,
      signals: ['SIGTERM', 'SIGINT'],
      says: 'SIGTERM: the process is asked to end',
      want: 130,
    },
  ] as const)
    it(name, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', text], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(child, 'exit')
      try {
        expect(await line(child)).to.equal('runs')
        for (const [i, signal] of signals.entries()) {
          child.kill(signal)
          if (i < signals.length - 1) expect(await line(child)).to.equal(says)
        }
        expect(await ended).to.deep.equal([want, null])
      } finally {
        child.kill('SIGKILL')
      }
    })
})
