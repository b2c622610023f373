import { expect } from 'chai'
import type { Device } from '../../operator/api/worker.ts'
import { gpuMeter } from './gpu-meter.ts'

const sources = {
  ...{ cpuSeconds: () => 12, busySeconds: () => 10 },
  ...{ endedBusySeconds: () => 7, wallSeconds: () => 20 },
}
const cuda: Device = { kind: 'cuda' }

describe('gpuMeter', () => {
  for (const { name, role = 'inference' as const, device, environment, want } of [
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
    ...(['training', 'profile'] as const).map(role => ({
      name: `all seconds of a ${role} by the speed of a share`,
      role,
      device: cuda,
      environment: { EKYA_SHARE_SPEED: '0.52' },
      want: 10.4,
    })),
  ])
    it(`counts ${name}`, () =>
      expect(gpuMeter(role, device, environment, sources).gpuSeconds()).to.be.closeTo(want, 1e-9))

  for (const { device, want } of [
    { device: { kind: 'cpu', cores: 1.5 } as const, want: 12 },
    { device: cuda, want: 19 },
  ])
    it(`tells the work on ${device.kind} without what hangs, whatever the cost`, () =>
      expect(gpuMeter('training', device, {}, sources).workSeconds()).to.equal(want))

  for (const speed of ['0', '-1', '1.1', 'fast'])
    it(`refuses a speed of ${speed}`, () =>
      expect(() => gpuMeter('inference', cuda, { EKYA_SHARE_SPEED: speed }, sources)).to.throw(
        `EKYA_SHARE_SPEED is "${speed}"; accepted: a number above 0, at most 1`,
      ))
})
