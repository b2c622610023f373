import { expect } from 'chai'
import { gpu, retrainingWindow } from '../controllers/testing/site.ts'
import { stepOf } from './snapshot.ts'

describe('stepOf', () => {
  for (const { name, granularities, want } of [
    { name: 'as asked for', granularities: [undefined, 0.05], want: 0.1 },
    { name: 'as coarse as the coarsest GPU', granularities: [0.05, 0.25], want: 0.25 },
  ])
    it(name, () =>
      expect(
        stepOf({
          window: retrainingWindow(),
          gpus: granularities.map(granularity => ({
            ...gpu,
            ...(granularity === undefined ? {} : { granularity }),
          })),
        }),
      ).to.equal(want),
    )
})
