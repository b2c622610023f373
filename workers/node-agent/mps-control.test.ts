import { expect } from 'chai'
import { parseClients, parseServerList, parseServerStatus } from './mps-control.ts'

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
