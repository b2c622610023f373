import { cudaStrengths, strengthsOf } from '../strengths.ts'
import { gradientCases } from './gradient-cases.ts'
import { expectAgreement } from './testing.ts'

const withoutBlocks = { ...(await strengthsOf('cpu')), block: 1 }

for (const { graphs, strengths, only = '' } of [
  { graphs: 'for a CPU', strengths: undefined },
  { graphs: 'for a CPU without a blocked layout', strengths: withoutBlocks, only: 'Conv' },
  { graphs: 'for CUDA', strengths: cudaStrengths },
])
  describe(`gradient rules, on many shapes and attributes, written ${graphs}`, function () {
    this.timeout(120_000)
    for (const [name, drawCase] of Object.entries(gradientCases).filter(([name]) => name.startsWith(only)))
      it(`agree with central differences: ${name}`, () => expectAgreement(name, drawCase, 25, strengths))
  })
