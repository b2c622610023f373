import { expect } from 'chai'
import { camera, retrainingWindow } from '../../controllers/testing/site.ts'
import { item, running, training } from '../../controllers/testing/window.ts'
import { type Estimates, whatWouldChange } from './explain.ts'

describe('what would change a decision', () => {
  const now = new Date('2026-01-01T00:00:40Z')
  const estimates = (accuracyAfter: number): Estimates => ({
    accuracyNow: 0.8,
    options: [{ configuration: 'all-5', accuracyAfter, gpuSeconds: 12 }],
  })
  const none = running('Retraining', [item('cam-0')])
  for (const { name, spec, status = none, found, suspended, says } of [
    { name: 'a pause', spec: { suspended: true }, says: 'ekya resume cam-0' },
    { name: 'a pause of the window', suspended: true, says: 'ekya resume rw/site-a' },
    { name: 'too small a gain', found: estimates(0.805), says: '0.5 points (all-5), is below' },
    { name: 'a loss', found: estimates(0.7), says: 'a scene that drifts' },
    {
      name: 'others that gain more',
      found: estimates(0.9),
      says: 'spec.weight of the stream, more GPUs, or a longer spec.duration (60 s are left)',
    },
    { name: 'no profile', says: 'the next window has one' },
    { name: 'no option', found: { accuracyNow: 0.8, options: [] }, says: 'more labels' },
    {
      name: 'a training',
      status: running('Retraining', [training('cam-0')]),
      says: 'all-5 is being trained',
    },
    {
      name: 'a model that was refused',
      status: running('Retraining', [training('cam-0', { state: 'Rejected' })]),
      says: 'spec.retraining.minGain of 1.0 points',
    },
  ] as const)
    it(`is told of ${name}`, () =>
      expect(
        whatWouldChange(
          camera('cam-0', spec as never),
          retrainingWindow(status, suspended === true ? { suspended: true } : {}),
          found as Estimates | undefined,
          now,
        ).join('\n'),
      ).to.contain(says))

  it('is told of a stream without a window', () =>
    expect(whatWouldChange(camera('cam-0'), undefined, undefined, now).join()).to.contain('streamSelector'))
})
