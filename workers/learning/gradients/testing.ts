/** What tests of gradients expect. */
import { expect } from 'chai'
import { random } from '../../models/random.ts'
import type { Strengths } from '../strengths.ts'
import type { DrawCase } from './case-draws.ts'
import { gradientDifference } from './gradient-check.ts'

/** The same relative error for every operator; kinks, where a difference tells nothing, lie near few parameters. */
export async function expectAgreement(
  name: string,
  drawCase: DrawCase,
  samples: number,
  strengths?: Strengths,
): Promise<void> {
  let [reliable, looked] = [0, 0]
  for (let seed = 1; seed <= samples; seed++) {
    const given = drawCase(random(seed, name))
    const found = await gradientDifference(given, seed, strengths)
    const which = `seed ${seed}: ${JSON.stringify(given.nodes.map(each => [each.opType, each.attribute]))}`
    expect(found.scale, which).to.be.greaterThan(0.001)
    expect(found.relative, which).to.be.lessThan(1e-3)
    reliable += found.reliable
    looked++
  }
  expect(reliable / looked, 'share of parameters with a reliable difference').to.be.greaterThan(0.5)
}
