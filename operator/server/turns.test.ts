import { expect } from 'chai'
import { createTurns } from './turns.ts'

describe('turns', () => {
  it('come one by one, in the order in which they were asked for, with room for others in between', async () => {
    const turn = createTurns()
    const log: string[] = []
    const work = async (name: string): Promise<void> => {
      await turn()
      log.push(name)
    }
    const other = (): void => {
      log.push('other')
      if (!log.includes('c')) setImmediate(other)
    }
    const all = ['a', 'b', 'c'].map(work)
    setImmediate(other)
    await Promise.all(all)
    expect(log.join(' ')).to.match(/a( other)+ b( other)+ c/)
  })

  it('begin again after a pause', async () => {
    const turn = createTurns()
    await turn()
    await turn()
    await Promise.all([turn(), turn()])
  })
})
