import { cudaStrengths } from '../strengths.ts'
import { gradientCases } from './gradient-cases.ts'
import { expectAgreement } from './testing.ts'

for (const { graphs, strengths } of [
  { graphs: 'for a CPU', strengths: undefined },
  { graphs: 'for CUDA', strengths: cudaStrengths },
])
  describe(`gradient rules, on many shapes and attributes, written ${graphs}`, function () {
    this.timeout(120_000)
    for (const [name, drawCase] of Object.entries(gradientCases))
      it(`agree with central differences: ${name}`, () => expectAgreement(name, drawCase, 25, strengths))
  })
