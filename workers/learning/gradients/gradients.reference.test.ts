import { gradientCases } from './gradient-cases.ts'
import { expectAgreement } from './testing.ts'

describe('gradient rules, on many shapes and attributes', function () {
  this.timeout(120_000)
  for (const [name, drawCase] of Object.entries(gradientCases))
    it(`agree with central differences: ${name}`, () => expectAgreement(name, drawCase, 25))
})
