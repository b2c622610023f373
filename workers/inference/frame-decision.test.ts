import { expect } from 'chai'
import { decideFrame, patienceMs } from './frame-decision.ts'

describe('decideFrame', () => {
  for (const { name, given, want } of [
    { name: 'analyses a frame in time', given: {}, want: 'analysed' },
    {
      name: 'analyses the very first frame',
      given: { sinceAnalysed: Number.POSITIVE_INFINITY, frameInterval: 5 },
      want: 'analysed',
    },
    {
      name: 'skips frames within the interval',
      given: { frameInterval: 3, sinceAnalysed: 2 },
      want: 'skipped',
    },
    {
      name: 'skips them late as well',
      given: { frameInterval: 3, sinceAnalysed: 2, lateMs: 900 },
      want: 'skipped',
    },
    { name: 'analyses every third frame', given: { frameInterval: 3, sinceAnalysed: 3 }, want: 'analysed' },
    { name: 'works off what a pause of the cpu limit left', given: { lateMs: patienceMs }, want: 'analysed' },
    { name: 'drops a frame beyond that', given: { lateMs: patienceMs + 1 }, want: 'dropped' },
    { name: 'waits a whole period of a slow camera', given: { lateMs: 900, frameRate: 1 }, want: 'analysed' },
    { name: 'drops it when the next one is due', given: { lateMs: 1001, frameRate: 1 }, want: 'dropped' },
  ] as const) {
    it(name, () => {
      expect(
        decideFrame({ lateMs: 0, frameRate: 30, frameInterval: 1, sinceAnalysed: 1, ...given }),
      ).to.equal(want)
    })
  }
})
