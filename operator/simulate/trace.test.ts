import { expect } from 'chai'
import { TraceError } from './errors.ts'
import { parseTrace } from './trace.ts'
import { traceProblem } from './trace-problem.ts'

const retraining = (configuration: string, more: object = {}) => ({
  configuration,
  accuracyAfter: 0.8,
  gpuSeconds: 10,
  ...more,
})
const window = (more: object = {}) => ({ accuracyBefore: 0.6, retraining: [retraining('all')], ...more })
const trace = (more: object = {}) => ({
  version: 1,
  source: 'a test',
  streams: [{ name: 'a', windows: [window()] }],
  ...more,
})
const withWindow = (more: object) => trace({ streams: [{ name: 'a', windows: [window(more)] }] })

describe('parseTrace', () => {
  const profile = { maxShare: 0.25, subsampling: [1, 2], accuracyFactor: [1, 0.5] }
  for (const { name, given } of [
    {
      name: 'the least that a trace can be',
      given: { version: 1, streams: [{ name: 'a', windows: [window()] }] },
    },
    {
      name: 'all that a trace can have',
      given: trace({
        inferenceProfile: profile,
        throughputCurve: [
          [0.1, 0.4],
          [1, 1],
        ],
      }),
    },
    { name: 'a window without retrainings', given: withWindow({ retraining: [] }) },
  ])
    it(`takes ${name}`, () => expect(parseTrace(JSON.stringify(given), 'f.json')).to.deep.equal(given))

  const many = Array.from({ length: 10_000 }, (_, i) => retraining(`c${i}`))
  for (const { name, text, want } of [
    {
      name: 'a truncated file',
      text: JSON.stringify(trace()).slice(0, -9),
      want: /^f\.json: is not JSON .*accepted: a trace/,
    },
    { name: 'NaN', text: '{"version": NaN}', want: /^f\.json: is not JSON .*without NaN$/ },
    {
      name: 'an infinite number',
      text: JSON.stringify(trace()).replace('10', '1e999'),
      want: /^f\.json: streams\[0\]\.windows\[0\]\.retraining\[0\]\.gpuSeconds: is a number too large to reckon with; accepted: a number from 0 to 1000000000$/,
    },
    {
      name: 'another version',
      text: JSON.stringify(trace({ version: 2 })),
      want: /version: 2 is too large; accepted: 1$/,
    },
    {
      name: 'a list',
      text: '[]',
      want: /^f\.json: \[\] is a list; accepted: an object with version \(required\)/,
    },
    {
      name: 'no streams',
      text: '{"version": 1, "streams": []}',
      want: /streams: has 0 items; accepted: a list of 1 to 10000/,
    },
    {
      name: 'an unknown field',
      text: JSON.stringify(trace({ gpus: 1 })),
      want: /gpus: is no known field; accepted: version/,
    },
    {
      name: 'negative seconds',
      text: JSON.stringify(withWindow({ retraining: [retraining('all', { gpuSeconds: -1 })] })),
      want: /streams\[0\]\.windows\[0\]\.retraining\[0\]\.gpuSeconds: -1 is too small; accepted: a number from 0/,
    },
    {
      name: 'an accuracy above 1',
      text: JSON.stringify(withWindow({ accuracyBefore: 61 })),
      want: /streams\[0\]\.windows\[0\]\.accuracyBefore: 61 is too large; accepted: a number from 0 to 1$/,
    },
    {
      name: 'a bad estimate',
      text: JSON.stringify(
        withWindow({ retraining: [retraining('all', { estimate: { accuracyAfter: 2 } })] }),
      ),
      want: /estimate\.accuracyAfter: 2 .*; .*estimate\.gpuSeconds: is missing; accepted: a number/,
    },
    {
      name: '10,000 configurations',
      text: JSON.stringify(withWindow({ retraining: many })),
      want: /^f\.json: streams\[0\]\.windows\[0\]\.retraining: has 10000 items; accepted: .*1000 items$/,
    },
    {
      name: 'a configuration twice',
      text: JSON.stringify(withWindow({ retraining: [retraining('x'), retraining('x')] })),
      want: /retraining\[1\]\.configuration: "x" is there already, as item 0; accepted: each configuration once/,
    },
    {
      name: 'a stream twice',
      text: JSON.stringify(trace({ streams: [1, 2].map(() => ({ name: 'a', windows: [window()] })) })),
      want: /^f\.json: streams\[1\]\.name: "a" is there already, as stream 0; accepted: each name once$/,
    },
    {
      name: 'an unordered subsampling',
      text: JSON.stringify(trace({ inferenceProfile: { ...profile, subsampling: [2, 1] } })),
      want: /inferenceProfile\.subsampling\[1\]: 1 comes after 2; accepted: a number above the one before it/,
    },
    {
      name: 'factors that rise',
      text: JSON.stringify(trace({ inferenceProfile: { ...profile, accuracyFactor: [0.5, 1] } })),
      want: /inferenceProfile\.accuracyFactor\[1\]: 1 comes after 0\.5; accepted: a number at most/,
    },
    {
      name: 'a profile of two lengths',
      text: JSON.stringify(trace({ inferenceProfile: { ...profile, accuracyFactor: [1] } })),
      want: /inferenceProfile\.accuracyFactor: has 1 items; accepted: as many as subsampling, 2/,
    },
    {
      name: 'an unordered throughput curve',
      text: JSON.stringify(
        trace({
          throughputCurve: [
            [0.5, 0.8],
            [0.2, 0.9],
            [1, 1],
          ],
        }),
      ),
      want: /throughputCurve\[1\]\[0\]: 0\.2 comes after 0\.5/,
    },
    {
      name: 'a throughput curve that falls',
      text: JSON.stringify(
        trace({
          throughputCurve: [
            [0.2, 0.9],
            [0.5, 0.8],
            [1, 1],
          ],
        }),
      ),
      want: /throughputCurve\[1\]\[1\]: 0\.8 comes after 0\.9/,
    },
    {
      name: 'a throughput curve that ends early',
      text: JSON.stringify(trace({ throughputCurve: [[0.5, 0.8]] })),
      want: /throughputCurve\[0\]: \[0\.5,0\.8\] ends the curve; accepted: \[1,1\]/,
    },
  ])
    it(`refuses ${name}`, () => expect(() => parseTrace(text, 'f.json')).to.throw(TraceError, want))

  it('tells the first few of many problems', () => {
    const streams = Array.from({ length: 50 }, () => ({ name: 'a', windows: [window()] }))
    expect(() => parseTrace(JSON.stringify(trace({ streams })), 'f.json')).to.throw(/; and 44 more$/)
  })
})

describe('traceProblem', () => {
  const site = { gpus: 2.5, windowSeconds: 200, step: 0.1 }
  const given = parseTrace(
    JSON.stringify(
      trace({
        streams: [
          {
            name: 'a',
            windows: [
              window({ retraining: [retraining('x', { estimate: { accuracyAfter: 0.9, gpuSeconds: 5 } })] }),
              window(),
            ],
          },
          { name: 'b', weight: 2, minAccuracy: 0.4, windows: [window()] },
        ],
      }),
    ),
    'f.json',
  )

  for (const [sees, want] of [
    ['actual', { configuration: 'x', accuracyAfter: 0.8, gpuSeconds: 10 }],
    ['estimate', { configuration: 'x', accuracyAfter: 0.9, gpuSeconds: 5, accuracyError: 0.12 }],
  ] as const)
    it(`tells of a retraining what is ${sees}`, () =>
      expect(traceProblem(given, 0, sees, site).streams[0]!.retraining).to.deep.equal([want]))

  it('pools the GPUs and leaves out streams that have ended', () => {
    const second = traceProblem(given, 1, 'estimate', site)
    expect(second).to.include({
      gpuCapacity: 2.5,
      averaging: 'samples',
      windowIndex: 1,
      remainingSeconds: 200,
    })
    expect(second.streams.map(s => s.name)).to.deep.equal(['a'])
    expect(traceProblem(given, 0, 'actual', site).streams[1]).to.include({ weight: 2, minAccuracy: 0.4 })
  })
})
