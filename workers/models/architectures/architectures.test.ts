import { expect } from 'chai'
import { openClassifier } from '../classifier.ts'
import { architectures } from './registry.ts'

describe('architectures', () => {
  for (const [name, build] of Object.entries(architectures)) {
    it(`${name} takes images of any size, and the same seed gives the same bytes`, async () => {
      const shape = { channels: 3, height: 45, width: 32 }
      const bytes = build({ classes: 7, seed: 3, shape, width: 0.25 })
      expect(bytes).to.deep.equal(build({ classes: 7, seed: 3, shape, width: 0.25 }))
      expect(bytes).to.not.deep.equal(build({ classes: 7, seed: 4, shape, width: 0.25 }))
      const classifier = await openClassifier(bytes, name)
      expect(classifier).to.deep.include({ classes: 7, input: shape })
      const logits = await classifier.logits(new Uint8Array(2 * 3 * 45 * 32).fill(90), 2)
      await classifier.close()
      expect(logits.every(Number.isFinite)).to.equal(true)
    })
  }

  for (const name of ['resnet18', 'mobilenetv2', 'shufflenetv2'])
    it(`${name} refuses images below 32×32`, () =>
      expect(() =>
        architectures[name]!({ classes: 2, seed: 1, shape: { channels: 3, height: 31, width: 64 } }),
      )
        .to.throw(`${name} takes no images of 31×64; accepted: 32 or more`)
        .with.property('code', 'ModelInvalid'))
})
