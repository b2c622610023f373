import { expect } from 'chai'
import { systemClock } from '../../operator/kube/clock.ts'
import { GpuWatch } from './gpu-watch.ts'
import { ownPrograms } from './programs.ts'
import { DriverStandIns, standInUuid as uuid } from './testing/driver-stand-ins.ts'

describe('GpuWatch, with a recorded stand-in of nvidia-smi', () => {
  let driver: DriverStandIns
  let watch: GpuWatch
  let nowMs: number
  beforeEach(() => {
    driver = new DriverStandIns()
    nowMs = 0
    watch = new GpuWatch({
      programs: ownPrograms,
      nvidiaSmi: driver.nvidiaSmi,
      clock: { ...systemClock, monotonicMs: () => nowMs },
      everyMs: 30_000,
    })
  })
  afterEach(() => driver.remove())
  const found = async () => (await watch.discover()).gpus[0]

  it('asks nvidia-smi now and then only', async () => {
    expect((await watch.discover()).gpus).to.have.length(1)
    driver.setGpus([])
    nowMs = 29_999
    expect((await watch.discover()).gpus).to.have.length(1)
    nowMs = 30_000
    expect((await watch.discover()).gpus).to.deep.equal([])
  })

  it('sets the mode again where it was lost, and puts it back', async () => {
    await watch.makeExclusive((await found())!)
    expect(driver.computeMode(uuid)).to.equal('Exclusive_Process')
    driver.setState(`mode-${uuid}`, 'Default\n')
    nowMs = 30_000
    await watch.discover()
    expect(driver.computeMode(uuid)).to.equal('Exclusive_Process')
    expect(await watch.release()).to.deep.equal([])
    expect(driver.computeMode(uuid)).to.equal('Default')
  })

  it('leaves a mode that it has not set', async () => {
    driver.setState(`mode-${uuid}`, 'Exclusive_Process\n')
    await watch.makeExclusive((await found())!)
    driver.setState(`mode-${uuid}`, 'Default\n')
    nowMs = 30_000
    await watch.discover()
    expect(driver.computeMode(uuid)).to.equal('Default')
    driver.setState(`mode-${uuid}`, 'Exclusive_Process\n')
    await watch.release()
    expect(driver.computeMode(uuid)).to.equal('Exclusive_Process')
  })

  it('says what it could not put back', async () => {
    await watch.makeExclusive((await found())!)
    driver.setState('broken', 'Insufficient Permissions\n')
    expect(await watch.release()).to.deep.equal([
      `${uuid}: nvidia-smi ended with status 9: Insufficient Permissions`,
    ])
  })
})
