import { expect } from 'chai'
import type { Device } from '../../operator/api/worker.ts'
import { gpuMeter } from './gpu-meter.ts'

const sources = { cpuSeconds: () => 12, busySeconds: () => 10 }
const cuda: Device = { kind: 'cuda' }

describe('gpuMeter', () => {
  for (const { name, device, environment, want } of [
    {
      name: 'cpu seconds by the cores of a "GPU"',
      device: { kind: 'cpu', cores: 1.5 } as const,
      environment: { EKYA_SHARE_SPEED: '0.5' },
      want: 8,
    },
    { name: 'busy seconds of a whole GPU', device: cuda, environment: {}, want: 10 },
    {
      name: 'busy seconds by the speed of a share',
      device: cuda,
      environment: { EKYA_SHARE_SPEED: '0.52' },
      want: 5.2,
    },
  ])
    it(`counts ${name}`, () =>
      expect(gpuMeter(device, environment, sources).gpuSeconds()).to.be.closeTo(want, 1e-9))

  for (const speed of ['0', '-1', '1.1', 'fast'])
    it(`refuses a speed of ${speed}`, () =>
      expect(() => gpuMeter(cuda, { EKYA_SHARE_SPEED: speed }, sources)).to.throw(
        `EKYA_SHARE_SPEED is "${speed}"; accepted: a number above 0, at most 1`,
      ))
})
