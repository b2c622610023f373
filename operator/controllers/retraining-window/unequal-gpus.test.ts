import { expect } from 'chai'
import { at, gpu, retrainingWindow, site } from '../testing/site.ts'
import { inference, planner } from '../testing/window.ts'

describe('a plan for GPUs', () => {
  const facts = (model: string) => ({ steadyUnits: 100, totalUnits: 200, clients: 44, model })
  const h100 = { ...gpu, facts: facts('NVIDIA H100 80GB HBM3') }
  const t4 = { ...gpu, gpu: '1', facts: facts('Tesla T4') }
  for (const { name, gpus, want } of [
    { name: 'of one kind', gpus: [h100, { ...h100, gpu: '1' }], want: undefined },
    { name: 'that are none', gpus: [gpu, { ...gpu, gpu: '1' }], want: undefined },
    {
      name: 'of several kinds',
      gpus: [t4, h100],
      want: [
        'GPUs of several kinds (NVIDIA H100 80GB HBM3, Tesla T4) are planned as equally fast; a RetrainingWindow for each kind, by spec.gpus.nodeSelector, is planned by its own speed',
      ],
    },
  ])
    it(`${name} ${want === undefined ? 'has nothing to say of them' : 'says what it does not reckon with'}`, () => {
      const window = retrainingWindow({
        current: { index: 0, phase: 'Planning', startedAt: at(0), endsAt: at(100) },
      })
      expect(planner.plan(site(window, [inference('cam-0')], 20, gpus)).warnings).to.deep.equal(want)
    })
})
