import { expect } from 'chai'
import { cudaStrengths } from './strengths.ts'
import losses from './testing/loss-trajectories.json' with { type: 'json' }
import { trajectories } from './testing/trajectories.ts'
import { createTrainer } from './trainer.ts'

for (const { graphs, strengths } of [
  { graphs: 'for a CPU', strengths: undefined },
  { graphs: 'for CUDA', strengths: cudaStrengths },
])
  describe(`whole networks, trained by graphs ${graphs}`, function () {
    this.timeout(60_000)
    for (const { name, model, images, configuration } of trajectories())
      it(`lose step by step what PyTorch does in float64: ${name}`, async () => {
        const trainer = await createTrainer(model, { ...(strengths && { strengths }) })
        const { epochs } = await trainer.train({ train: images, validation: images, configuration })
        await trainer.close()
        const want: readonly number[] = losses[name as keyof typeof losses]
        expect(epochs).to.have.length(want.length)
        expect(want.at(-1)! / want[0]!, 'a training that goes somewhere').to.be.lessThan(0.9)
        for (const [i, { loss }] of epochs.entries())
          expect(loss / want[i]!, `step ${i + 1}: ${loss}`).to.be.closeTo(1, 1e-3)
      })
  })
