import { expect } from 'chai'
import { type GpuInventory, type GpuRecord, parseGpuInventory } from './gpu-inventory.ts'
import { multiprocessorsOf } from './mps-client.ts'

const gpu: GpuRecord = {
  index: 0,
  uuid: 'GPU-5e2b1c84-1f0d-4b6c-8f7a-0c9d3a4be111',
  model: 'NVIDIA H100 80GB HBM3',
  memoryMiB: 81_559,
  multiprocessors: 132,
  mig: false,
  pipeDirectory: '/run/ekya/mps/GPU-5e2b1c84-1f0d-4b6c-8f7a-0c9d3a4be111',
  state: 'ready',
}
const inventory: GpuInventory = {
  version: 1,
  allocation: 'node-status',
  driver: '580.159.04',
  gpus: [gpu],
}

describe('parseGpuInventory', () => {
  const problems = (document: unknown) =>
    parseGpuInventory(JSON.stringify(document)).problems?.map(({ path, message }) => `${path}: ${message}`)

  it('reads what the node agent writes', () =>
    expect(parseGpuInventory(JSON.stringify(inventory))).to.deep.equal({ inventory }))

  it('refuses what is no JSON', () =>
    expect(parseGpuInventory('{').problems?.[0]?.message).to.match(/^"\{" is no JSON: /))

  for (const { name, document, want } of [
    { name: 'a list', document: [], want: [': [] is no inventory; accepted: a mapping'] },
    {
      name: 'another version',
      document: { ...inventory, version: 2 },
      want: ['version: 2 is too large; accepted: 1'],
    },
    {
      name: 'an unknown field and a missing one, together',
      document: { version: 1, allocation: 'node-status', gpus: [{ ...gpu, sms: 132 }] },
      want: [
        'driver: is missing; accepted: a string of at most 40 characters: numbers with dots between, such as 580.159.04',
        'gpus[0].sms: is no known field; accepted: index, uuid, model, memoryMiB, multiprocessors, mig, pipeDirectory, shmDirectory, state, reason, throughputCurve',
      ],
    },
    {
      name: 'a GPU twice',
      document: { ...inventory, gpus: [gpu, { ...gpu, index: 1 }] },
      want: [`gpus[1].uuid: "${gpu.uuid}" is there already; accepted: each once`],
    },
    {
      name: 'a GPU that cannot be used and does not say why',
      document: { ...inventory, gpus: [{ ...gpu, state: 'unusable' }] },
      want: ['gpus[0].reason: is missing; accepted: why the state is unusable'],
    },
    {
      name: 'a curve that does not reach the whole GPU',
      document: {
        ...inventory,
        gpus: [
          {
            ...gpu,
            throughputCurve: [
              [0.1, 0.2],
              [0.5, 0.8],
            ],
          },
        ],
      },
      want: [
        'gpus[0].throughputCurve: is no curve; accepted: shares that rise, speeds that do not fall, and [1, 1] last',
      ],
    },
  ])
    it(`refuses ${name}`, () => expect(problems(document)).to.deep.equal(want))
})

describe('multiprocessorsOf', () => {
  // Measured on an H100 with 132: docs/gpu.md.
  const measured: Readonly<Record<number, number>> = {
    1: 8,
    2: 8,
    3: 8,
    4: 8,
    5: 8,
    6: 8,
    7: 8,
    8: 10,
    9: 10,
    10: 12,
    15: 18,
    20: 26,
    25: 32,
    30: 38,
    35: 46,
    40: 52,
    45: 58,
    50: 66,
    55: 72,
    60: 78,
    65: 84,
    70: 92,
    75: 98,
    80: 104,
    85: 112,
    90: 118,
    95: 124,
    100: 132,
  }
  for (const [units, got] of Object.entries(measured))
    it(`expects what ${units} % of an H100 came to`, () => {
      const { least, most } = multiprocessorsOf(Number(units), 132)
      expect(got).to.be.within(least, most)
      if (Number(units) > 6) expect([least, most]).to.deep.equal([got, got])
    })
})
