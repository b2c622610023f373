import { expect } from 'chai'
import { systemClock } from '../../operator/kube/clock.ts'
import { mpsControl, parseClients, parseServerList, parseServerStatus } from './mps-control.ts'
import type { Programs } from './programs.ts'

// Answers are those of driver 580.159.04.
describe('answers of nvidia-cuda-mps-control', () => {
  describe('get_server_list', () => {
    for (const { name, answer, want } of [
      { name: 'no server', answer: '', want: [] },
      { name: 'one', answer: '483\n', want: [483] },
      { name: 'one of each user', answer: '483\n1024', want: [483, 1024] },
    ])
      it(`reads ${name}`, () => expect(parseServerList(answer)).to.deep.equal(want))

    it('refuses words', () =>
      expect(() => parseServerList('Unknown command "get_server_list"')).to.throw(
        /answered "Unknown command .* to get_server_list; accepted: PIDs/,
      ))
  })

  describe('get_server_status', () => {
    for (const status of ['INITIALIZING', 'ACTIVE', 'FAULT'] as const)
      it(`reads ${status}`, () => expect(parseServerStatus(483, status)).to.equal(status))

    it('reads that the server has gone', () =>
      expect(parseServerStatus(1, 'Server 1 not found')).to.equal('gone'))

    it('refuses what it does not know', () =>
      expect(() => parseServerStatus(483, 'DRAINING')).to.throw(/accepted: INITIALIZING, ACTIVE or FAULT/))
  })

  describe('ps', () => {
    const header =
      'PID       ID        SERVER         DEVICE                    NAMESPACE      COMMAND        '
    for (const { name, answer, want } of [
      { name: 'no server', answer: 'Server not found', want: [] },
      { name: 'no client', answer: '', want: [] },
      {
        name: 'two clients',
        answer: `${header}
479       1         483            GPU-54a7547d-219f-80b7    4026531836     python3        
480       2         483            GPU-54a7547d-219f-80b7    4026531836     node worker        `,
        want: [
          { pid: 479, server: 483, command: 'python3' },
          { pid: 480, server: 483, command: 'node worker' },
        ],
      },
    ])
      it(`reads ${name}`, () => expect(parseClients(answer)).to.deep.equal(want))

    it('refuses another table', () =>
      expect(() => parseClients('CLIENT COMMAND\n1 x')).to.throw(/accepted: a table with the columns PID/))
  })
})

describe('a daemon that somebody else is asking', () => {
  const busy = 'Cannot send command to MPS control daemon process'
  const absent = 'Cannot find MPS control daemon process'
  const hurried = { ...systemClock, schedule: (run: () => void) => systemClock.schedule(run, 0) }
  const answers = (...said: readonly (string | undefined)[]) => {
    let asked = 0
    const programs: Pick<Programs, 'run'> = {
      run: async () => {
        const problem = said[Math.min(asked++, said.length - 1)]
        return { status: problem === undefined ? 0 : 1, stdout: problem ?? '483\n', stderr: '' }
      },
    }
    return { control: mpsControl(programs as Programs, 'control', '/pipes', hurried), asked: () => asked }
  }

  it('is asked again', async () => {
    const { control, asked } = answers(busy, busy, undefined)
    expect(await control.terminate({ server: 1, pid: 2 })).to.equal(false)
    expect(asked()).to.equal(3)
  })

  for (const { name, problem, want } of [
    { name: 'is given up where it stays busy', problem: busy, want: 5 },
    { name: 'is not asked again where there is none', problem: absent, want: 1 },
  ])
    it(name, async () => {
      const { control, asked } = answers(problem)
      const error = await control.servers().catch((reason: Error) => reason)
      expect(error).to.have.property('code', 'daemon-absent')
      expect(asked()).to.equal(want)
    })
})
