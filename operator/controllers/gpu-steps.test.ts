/** Whatever a plan can hold of a GPU, in steps of its site, against the units of each backend. */
import { expect } from 'chai'
import fc from 'fast-check'
import { multiprocessorsOf } from '../api/mps-client.ts'
import { stepOf } from '../cluster/snapshot.ts'
import type { RawNode, RawPod } from '../sharing/backend.ts'
import { backendSet, createBackends } from '../sharing/backends/registry.ts'
import { defaultGpuOptions } from '../sharing/gpu-options.ts'
import { stepUnits } from '../sharing/swap-planner.ts'
import { gkeNode, hamiNode, inventory, kaiNode, mpsNode, slicesNode } from '../sharing/testing/gpu-nodes.ts'
import { retrainingWindow } from './testing/site.ts'

const set = backendSet(createBackends({ ...defaultGpuOptions, kaiQueue: 'cameras' }))

const nodes: Readonly<Record<string, fc.Arbitrary<RawNode>>> = {
  mps: fc
    .record({
      multiprocessors: fc.integer({ min: 8, max: 200 }),
      memoryMiB: fc.integer({ min: 4096, max: 200_000 }),
      units: fc.integer({ min: 100, max: 250 }),
      allocation: fc.constantFrom('device-plugin' as const, 'node-status' as const),
    })
    .map(({ allocation, units, ...gpu }) => mpsNode(inventory(allocation, gpu), String(units))),
  units: fc.integer({ min: 3, max: 200 }).map(units =>
    gkeNode(String(units), {
      'ekya.dev/units-per-gpu': String(units),
      'nvidia.com/gpu.memory': '24576',
    }),
  ),
  'nvidia-slices': fc
    .integer({ min: 2, max: 48 })
    .map(slices => slicesNode(String(slices), { 'nvidia.com/gpu.replicas': String(slices) })),
  hami: fc.integer({ min: 100, max: 300 }).map(devcore => hamiNode({ devcore })),
  kai: fc.constant(kaiNode()),
  'cpu-replace': fc.integer({ min: 250, max: 64_000 }).map(millicores => ({
    metadata: { name: 'edge-0', labels: { 'ekya.dev/sharing-backend': 'cpu-replace' } },
    status: { allocatable: { cpu: `${millicores}m` } },
  })),
}

/** Whole steps that the pods of a GPU hold, one at least, together not more than there are. */
const stepsOfPods = (most: number) =>
  fc.array(fc.integer({ min: 1, max: most }), { minLength: 1, maxLength: most }).map(wanted => {
    let left = most
    return wanted.flatMap(steps => {
      const taken = Math.min(steps, left)
      left -= taken
      return taken > 0 ? [taken] : []
    })
  })

const step = fc.constantFrom(0.01, 0.02, 0.025, 0.05, 0.07, 0.1, 0.125, 0.2, 0.5)

for (const [name, node] of Object.entries(nodes))
  describe(`steps of a plan as shares by ${name}`, () => {
    const given = fc
      .record({ node, asked: step })
      .map(({ node, asked }) => {
        const [gpu] = set.discover(node)
        const backend = gpu && set.of(gpu)
        if (backend?.resizes !== 'replace')
          throw new Error(`${set.refusals(node).join('; ')} ${backend?.name}`)
        const window = retrainingWindow(undefined, {
          scheduler: { policy: 'thief', step: asked, options: {} },
        })
        return { gpu: gpu!, backend, delta: stepOf({ window, gpus: [gpu!] }) }
      })
      .chain(site =>
        stepsOfPods(Math.floor(1 / site.delta + 1e-9)).map(steps => ({
          ...site,
          // As whoever computes a pod's share does it: a multiple, and never more than a pod can have.
          shares: steps.map(each => Math.min(each * site.delta, site.gpu.largestShare ?? 1)),
        })),
      )

    it('are made with exactly the units and the memory that they count for, a unit less than the share at most', () =>
      fc.assert(
        fc.property(given, ({ gpu, backend, shares }) => {
          const { steadyUnits } = backend.limits(gpu)
          for (const share of shares) {
            const { resources, env = [], annotations = {} } = backend.render(share, gpu)
            const pod: RawPod = {
              metadata: { annotations },
              spec: { containers: [{ name: 'worker', resources, env }] },
            }
            const amount = backend.amount(share, gpu)
            expect(backend.amountOf(pod, gpu)).to.deep.equal(amount)
            expect(amount.units).to.be.within(share * steadyUnits - 1, share * steadyUnits + 1e-3)
          }
        }),
      ))

    it('never add up to more than may be given away, and twice them for a change never to more memory than there is', () =>
      fc.assert(
        fc.property(given, ({ gpu, backend, shares }) => {
          const { steadyUnits, totalUnits, memoryMiB } = backend.limits(gpu)
          const amounts = shares.map(share => backend.amount(share, gpu))
          const units = amounts.reduce((sum, each) => sum + each.units, 0)
          expect(units).to.be.at.most(steadyUnits)
          const surge = Math.min(totalUnits, 2 * units) / units
          expect(surge * amounts.reduce((sum, each) => sum + each.memoryMiB, 0)).to.be.at.most(
            memoryMiB + 1e-6,
          )
        }),
      ))

    it('differ by as much as is worth a swap', () =>
      fc.assert(
        fc.property(given, fc.nat(), ({ gpu, backend, delta }, at) => {
          const { steadyUnits } = backend.limits(gpu)
          const most = Math.floor(Math.min(1, gpu.largestShare ?? 1) / delta + 1e-9)
          if (most < 2) return
          const k = 1 + (at % (most - 1))
          const [less, more] = [k, k + 1].map(steps => backend.amount(steps * delta, gpu).units) as [
            number,
            number,
          ]
          expect(more - less).to.be.at.least(stepUnits(delta, steadyUnits))
          const { multiprocessors } = gpu.facts ?? {}
          if (multiprocessors === undefined) return
          const [few, many] = [less, more].map(units => multiprocessorsOf(units, multiprocessors).least)
          expect(many, `${less} and ${more} units`).to.be.above(few!)
        }),
      ))
  })
