import { mkdirSync } from 'node:fs'
import { expect } from 'chai'
import { waitFor } from '../../hack/testing/wait-for.ts'
import { type Clock, systemClock } from '../../operator/kube/clock.ts'
import { mpsControl } from './mps-control.ts'
import { MpsDaemon } from './mps-daemon.ts'
import { ownPrograms } from './programs.ts'
import { DriverStandIns, standInUuid as uuid } from './testing/driver-stand-ins.ts'

describe('MpsDaemon, with a recorded stand-in of nvidia-cuda-mps-control', () => {
  let driver: DriverStandIns
  let events: string[]
  let daemons: MpsDaemon[]
  let skippedMs: number
  /** Time that passes by itself, and as much more as a test wants. */
  const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs }

  beforeEach(() => {
    driver = new DriverStandIns()
    events = []
    daemons = []
    skippedMs = 0
  })
  afterEach(async () => {
    await Promise.all(daemons.map(each => each.stop()))
    driver.remove()
  })

  const daemonOf = (prepare?: () => Promise<void>): MpsDaemon => {
    const pipeDirectory = driver.pipeDirectory(uuid)
    const daemon = new MpsDaemon({
      uuid,
      clock,
      pipeDirectory,
      programs: ownPrograms,
      program: driver.mpsControl,
      control: mpsControl(ownPrograms, driver.mpsControl, pipeDirectory),
      logDirectory: `${pipeDirectory}/log`,
      prepare: prepare ?? (async () => void mkdirSync(pipeDirectory, { recursive: true })),
      onStart: how => events.push(how),
      onFault: () => events.push('fault'),
    })
    daemons.push(daemon)
    return daemon
  }
  const isDead = (pid: number) => {
    try {
      process.kill(pid, 0)
      return false
    } catch {
      return true
    }
  }

  it('starts one for the GPU, and sees clients come and go', async () => {
    const daemon = daemonOf()
    expect(await daemon.check()).to.deep.equal({ state: 'ready', servers: [], clients: [] })
    expect(driver.startedWith(uuid)).to.equal(`-f -multiuser-server|${uuid}`)
    driver.connect(uuid, 479)
    expect(await daemon.check()).to.deep.equal({
      state: 'ready',
      servers: [{ pid: 483, status: 'ACTIVE' }],
      clients: [{ pid: 479, server: 483, command: 'python3' }],
    })
    driver.disconnect(uuid, 479)
    expect((await daemon.check()).clients).to.deep.equal([])
    expect(events).to.deep.equal(['started'])
  })

  it('ends it', async () => {
    const daemon = daemonOf()
    await daemon.check()
    const pid = driver.daemonPid(uuid)
    await daemon.stop()
    expect(isDead(pid)).to.equal(true)
  })

  it('reports FAULT with the clients that must end, and is ready when they have', async () => {
    const daemon = daemonOf()
    await daemon.check()
    driver.connect(uuid, 479)
    driver.connect(uuid, 480)
    driver.fault(uuid)
    const { state, reason } = await daemon.check()
    expect({ state, reason }).to.deep.equal({
      state: 'fault',
      reason:
        'an error of one client took MPS server 483 down; it serves again once all its clients have gone: 2 clients must end first (PIDs 479, 480)',
    })
    driver.disconnect(uuid, 479)
    expect((await daemon.check()).reason).to.match(/1 clients must end first \(PIDs 480\)/)
    driver.disconnect(uuid, 480)
    expect((await daemon.check()).state).to.equal('ready')
    expect(events).to.deep.equal(['started', 'fault'])
  })

  it('replaces a daemon whose server stays in FAULT without clients', async () => {
    const daemon = daemonOf()
    await daemon.check()
    driver.connect(uuid, 479)
    driver.fault(uuid, { stuck: true })
    await daemon.check()
    const pid = driver.daemonPid(uuid)
    driver.disconnect(uuid, 479)
    const states: string[] = []
    for (let i = 0; i < 4; i++) states.push((await daemon.check()).state)
    expect(states).to.deep.equal(['fault', 'fault', 'fault', 'ready'])
    expect(isDead(pid)).to.equal(true)
    expect(events).to.deep.equal(['started', 'fault', 'started'])
  })

  it('starts another after it died, not before its wait is over', async () => {
    const daemon = daemonOf()
    await daemon.check()
    const pid = driver.daemonPid(uuid)
    process.kill(pid, 'SIGKILL')
    const { state, reason } = await waitFor(async () => {
      const reading = await daemon.check()
      return reading.state === 'fault' && reading
    })
    expect({ state, reason }).to.deep.equal({
      state: 'fault',
      reason: `its MPS control daemon was ended by SIGKILL: [2026-11-25 14:25:29.131 Control   605] Starting control daemon using socket ${driver.pipeDirectory(uuid)}/control`,
    })
    expect((await daemon.check()).reason).to.equal(reason)
    skippedMs += 1000
    expect((await daemon.check()).state).to.equal('ready')
    expect(driver.daemonPid(uuid)).not.to.equal(pid)
  })

  it('gives up a daemon that ended and does not come back in half a minute', async () => {
    const daemon = daemonOf()
    await daemon.check()
    driver.setState(`refuse-${uuid}`, 'Failed to initialise: no such device\n')
    process.kill(driver.daemonPid(uuid), 'SIGKILL')
    await waitFor(async () => (await daemon.check()).state === 'fault')
    skippedMs += 20_000
    expect((await daemon.check()).state).to.equal('fault')
    skippedMs += 20_000
    expect((await daemon.check()).state).to.equal('failed')
    driver.setState(`refuse-${uuid}`, undefined)
    skippedMs += 20_000
    expect((await daemon.check()).state).to.equal('ready')
  })

  it('waits longer after each start that fails, and tells what the daemon said', async () => {
    driver.setState(`refuse-${uuid}`, 'Failed to initialise: no such device\n')
    const daemon = daemonOf()
    const waits: number[] = []
    for (const _ of [1, 2, 3, 4]) {
      expect((await daemon.check()).reason).to.equal(
        'its MPS control daemon ended with status 1: Failed to initialise: no such device',
      )
      const failedAt = clock.monotonicMs()
      driver.setState(`refuse-${uuid}`, undefined)
      // Still waiting: nothing is started although it would be possible.
      expect((await daemon.check()).state).to.equal('failed')
      driver.setState(`refuse-${uuid}`, 'Failed to initialise: no such device\n')
      const wait = 1000 * 2 ** waits.length
      skippedMs += Math.max(0, failedAt + wait - clock.monotonicMs())
      waits.push(wait)
    }
    driver.setState(`refuse-${uuid}`, undefined)
    skippedMs += 8000
    expect((await daemon.check()).state).to.equal('ready')
  })

  it('does not start where the preparation fails', async () => {
    const daemon = daemonOf(() => Promise.reject(new Error('Insufficient Permissions')))
    expect((await daemon.check()).reason).to.equal('Insufficient Permissions')
    expect(events).to.deep.equal([])
  })

  it('takes over a daemon that an agent before left running, with its clients, and ends it', async () => {
    await daemonOf().check()
    const pid = driver.daemonPid(uuid)
    driver.connect(uuid, 479)
    const second = daemonOf()
    expect((await second.check()).clients.map(client => client.pid)).to.deep.equal([479])
    expect(driver.daemonPid(uuid)).to.equal(pid)
    expect(events).to.deep.equal(['started', 'taken-over'])
    await second.stop()
    await waitFor(() => isDead(pid))
  })

  it('starts another after one that it took over has died, and tells of that first', async () => {
    await daemonOf().check()
    const pid = driver.daemonPid(uuid)
    const second = daemonOf()
    await second.check()
    process.kill(pid, 'SIGKILL')
    await waitFor(() => isDead(pid))
    const { state, reason } = await second.check()
    expect({ state, reason }).to.deep.equal({
      state: 'fault',
      reason: 'its MPS control daemon, which was taken over, has ended',
    })
    skippedMs += 1000
    expect((await second.check()).state).to.equal('ready')
    expect(driver.daemonPid(uuid)).not.to.equal(pid)
    expect(events).to.deep.equal(['started', 'taken-over', 'started'])
  })

  it('ends a client, and says where there is none', async () => {
    const daemon = daemonOf()
    await daemon.check()
    driver.connect(uuid, 479)
    expect(await daemon.terminate(480)).to.equal(false)
    expect(await daemon.terminate(479)).to.equal(true)
    expect(driver.clients(uuid)).to.deep.equal([])
  })

  it('says which program is missing', async () => {
    const pipeDirectory = driver.pipeDirectory(uuid)
    const daemon = new MpsDaemon({
      uuid,
      clock,
      pipeDirectory,
      programs: ownPrograms,
      program: '/nowhere/nvidia-cuda-mps-control',
      control: mpsControl(ownPrograms, '/nowhere/nvidia-cuda-mps-control', pipeDirectory),
      logDirectory: pipeDirectory,
    })
    expect((await daemon.check()).reason).to.match(/^\/nowhere\/nvidia-cuda-mps-control is not there/)
  })
})
