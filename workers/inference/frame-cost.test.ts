import { expect } from 'chai'
import { FrameCost } from './frame-cost.ts'

describe('FrameCost', () => {
  const measure = () => {
    let used = 10
    const cost = new FrameCost(() => used)
    const analyse = (frames: number, each: number) => {
      for (let i = 0; i < frames; i++) {
        used += each
        cost.analysed()
      }
    }
    return { cost, analyse, use: (seconds: number) => (used += seconds) }
  }

  it('knows nothing before a block is full', () => {
    const { cost, analyse } = measure()
    analyse(7, 0.01)
    expect(cost.value).to.equal(null)
    analyse(1, 0.01)
    expect(cost.value).to.be.closeTo(0.01, 1e-9)
  })

  it('forgets the cold start', () => {
    const { cost, analyse } = measure()
    analyse(8, 0.05)
    analyse(32, 0.004)
    expect(cost.value).to.be.closeTo(0.004, 1e-9)
  })

  it('follows a change slowly', () => {
    const { cost, analyse } = measure()
    analyse(40, 0.004)
    analyse(32, 0.008)
    expect(cost.value).to.be.closeTo(0.005, 1e-9)
    analyse(32 * 20, 0.008)
    expect(cost.value).to.be.closeTo(0.008, 1e-4)
  })

  it('counts what happens between frames, but not what no frame needs', () => {
    const { cost, analyse, use } = measure()
    analyse(40, 0.004)
    analyse(16, 0.004)
    use(3)
    cost.interrupt()
    analyse(32, 0.004)
    expect(cost.value).to.be.closeTo(0.004, 1e-9)
    use(32 * 0.004)
    analyse(32, 0.004)
    expect(cost.value).to.be.closeTo(0.005, 1e-9)
  })
})
