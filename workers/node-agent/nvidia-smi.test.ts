import { expect } from 'chai'
import { discoverGpus, parseGpus, parseProcesses } from './nvidia-smi.ts'
import { ownPrograms } from './programs.ts'
import { type Surroundings, whyUnsuitable } from './suitability.ts'
import { DriverStandIns } from './testing/driver-stand-ins.ts'

// As driver 580.159.04 said of an H100.
const header =
  'index, uuid, name, memory.total [MiB], memory.used [MiB], compute_mode, driver_version, mig.mode.current, compute_cap'
const row =
  '0, GPU-2417f491-2523-4903-39b8-67b5cf1f4193, NVIDIA H100 80GB HBM3, 81559 MiB, 0 MiB, Default, 580.159.04, Disabled, 9.0'
const h100 = {
  index: 0,
  uuid: 'GPU-2417f491-2523-4903-39b8-67b5cf1f4193',
  model: 'NVIDIA H100 80GB HBM3',
  memoryMiB: 81_559,
  usedMiB: 0,
  computeMode: 'Default',
  driver: '580.159.04',
  mig: false,
  computeCapability: 9,
}

describe('parseGpus', () => {
  for (const { name, text, want } of [
    { name: 'the recorded answer', text: `${header}\n${row}\n`, want: [h100] },
    { name: 'no devices', text: 'No devices were found\n', want: [] },
    { name: 'no lines', text: `${header}\n`, want: [] },
    {
      name: 'a GPU that knows no MIG and no capability',
      text: `${header}\n${row.replace('Disabled, 9.0', '[N/A], [N/A]')}\n`,
      want: [{ ...h100, computeCapability: undefined }],
    },
    {
      name: 'MIG mode',
      text: `${header}\n${row.replace('Disabled', 'Enabled')}\n`,
      want: [{ ...h100, mig: true }],
    },
  ])
    it(`reads ${name}`, () => expect(parseGpus(text)).to.deep.equal({ gpus: want, problems: [] }))

  it('tells of a GPU that was lost and keeps the others', () => {
    const lost = row.replace('0, GPU-2417', '1, GPU-3417').replace('81559 MiB', '[GPU is lost]')
    expect(parseGpus(`${header}\n${row}\n${lost}\n`)).to.deep.equal({
      gpus: [h100],
      problems: ['nvidia-smi, GPU 2 of 2: memory.total is "[GPU is lost]"; accepted: a number of MiB'],
    })
  })

  it('refuses columns that it did not ask for', () =>
    expect(() => parseGpus('index, name\n0, H100\n')).to.throw(
      /answered "index, name"; accepted: the columns index, uuid/,
    ))
})

describe('parseProcesses', () => {
  it('reads the recorded answer, and leaves out what the driver may not tell', () =>
    expect(
      parseProcesses(
        `gpu_uuid, pid, used_gpu_memory [MiB]\n${h100.uuid}, 483, 66 MiB\n${h100.uuid}, 479, 678 MiB\n${h100.uuid}, 480, [N/A]\n`,
      ),
    ).to.deep.equal([
      { uuid: h100.uuid, pid: 483, memoryMiB: 66 },
      { uuid: h100.uuid, pid: 479, memoryMiB: 678 },
    ]))

  it('reads that there is none', () =>
    expect(parseProcesses('gpu_uuid, pid, used_gpu_memory [MiB]\n')).to.deep.equal([]))
})

describe('discoverGpus, with a recorded stand-in of nvidia-smi', () => {
  let driver: DriverStandIns
  beforeEach(() => {
    driver = new DriverStandIns()
  })
  afterEach(() => driver.remove())
  const discover = (program = driver.nvidiaSmi) => discoverGpus(ownPrograms, program)
  const refusal = async (program?: string) => {
    const error = await discover(program).then(
      () => undefined,
      (thrown: Error) => thrown,
    )
    return error?.message
  }

  it('finds what is there', async () => expect((await discover()).gpus).to.deep.equal([h100]))

  it('leaves out a field that an older driver does not know', async () => {
    driver.setState('unknown-field', 'compute_cap')
    expect((await discover()).gpus).to.deep.equal([{ ...h100, computeCapability: undefined }])
  })

  it('says what the driver said', async () => {
    driver.setState(
      'broken',
      "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
    )
    expect(await refusal()).to.equal(
      "nvidia-smi ended with status 9: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.",
    )
  })

  it('says how to get a program that is not there', async () =>
    expect(await refusal('/nowhere/nvidia-smi')).to.match(
      /^\/nowhere\/nvidia-smi is not there; accepted: .*NVIDIA_DRIVER_CAPABILITIES/,
    ))
})

describe('whyUnsuitable', () => {
  const alone: Surroundings = { allocatable: {}, besideOtherPlugins: false, oldestDriver: 550 }
  for (const { name, gpu = h100, surroundings = alone, want } of [
    { name: 'takes a plain GPU', want: undefined },
    {
      name: 'refuses an old driver',
      gpu: { ...h100, driver: '470.57.02' },
      want: /^the NVIDIA driver 470\.57\.02 is too old; accepted: 550/,
    },
    {
      name: 'refuses a GPU whose MPS knows no shares',
      gpu: { ...h100, model: 'Tesla P4', computeCapability: 6.1 },
      want: /^Tesla P4 has compute capability 6\.1/,
    },
    {
      name: 'takes a GPU of unknown capability',
      gpu: { ...h100, computeCapability: undefined },
      want: undefined,
    },
    {
      name: 'refuses MIG mode',
      gpu: { ...h100, mig: true },
      want: /^MIG mode is on; accepted: off \(nvidia-smi/,
    },
    {
      name: 'refuses the compute mode Prohibited',
      gpu: { ...h100, computeMode: 'Prohibited' },
      want: /Prohibited; accepted: any other/,
    },
    {
      name: 'refuses a GPU that another plugin hands out',
      surroundings: { ...alone, allocatable: { 'nvidia.com/gpu': '1', cpu: '8' } },
      want: /^another device plugin hands out .* \(nvidia\.com\/gpu: 1\)/,
    },
    {
      name: 'refuses it where it is shared by that plugin',
      surroundings: { ...alone, allocatable: { 'nvidia.com/gpu.shared': '10' } },
      want: /nvidia\.com\/gpu\.shared: 10/,
    },
    {
      name: 'takes it where that plugin has gone',
      surroundings: { ...alone, allocatable: { 'nvidia.com/gpu': '0' } },
      want: undefined,
    },
    {
      name: 'takes it where one wants both',
      surroundings: { ...alone, allocatable: { 'nvidia.com/gpu': '1' }, besideOtherPlugins: true },
      want: undefined,
    },
  ])
    it(name, () => {
      const why = whyUnsuitable(gpu, surroundings)
      if (want === undefined) expect(why).to.equal(undefined)
      else expect(why).to.match(want)
    })
})
