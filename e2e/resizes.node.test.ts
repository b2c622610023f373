/** Some resizes of either style on a real kubelet; `npm run bench -- resizes --node real` makes 200 of each. */
import { testResizes } from './support/resize-suite.ts'

const site = { streams: 4, seed: 1, least: 20, containers: true }

testResizes({ ...site, style: 'in-place', resizes: 12, cpuSamples: 2 })
testResizes({ ...site, style: 'replace', resizes: 6, cpuSamples: 1 })
