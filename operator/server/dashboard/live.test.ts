import { EventEmitter } from 'node:events'
import { mock } from 'node:test'
import { expect } from 'chai'
import { createLiveHub } from './live.ts'

describe('open pages', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }))
  afterEach(() => mock.timers.reset())

  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 50) mock.timers.tick(50)
  }

  /** Pages that listen, and how often each was told of a change. */
  function open(count: number) {
    const hub = createLiveHub(6400)
    const told = Array.from({ length: count }, () => 0)
    const requests = told.map((_, i) => {
      const request = new EventEmitter()
      const write = (text: string) => {
        if (text.includes('event: change')) told[i]! += 1
      }
      hub.listen(request as never, { type: () => {}, write, end: () => {} } as never)
      return request
    })
    return { hub, told, close: (i: number) => requests[i]!.emit('close') }
  }

  it('are told one after the other, so that they do not all ask at once', () => {
    const { hub, told } = open(3)
    hub.changed()
    pass(6400 + 50)
    expect(told).to.deep.equal([1, 0, 0])
    pass(100)
    expect(told).to.deep.equal([1, 1, 0])
    pass(100)
    expect(told).to.deep.equal([1, 1, 1])
    hub.close()
  })

  it('are each told of what changed after they were, and once of many changes', () => {
    const { hub, told } = open(2)
    hub.changed()
    pass(6400 + 50)
    hub.changed()
    hub.changed()
    pass(2 * 6400)
    expect(told).to.deep.equal([2, 2])
    hub.close()
  })

  it('are told nothing once they have gone', () => {
    const { hub, told, close } = open(2)
    hub.changed()
    pass(6400 + 50)
    close(1)
    pass(6400)
    expect(told).to.deep.equal([1, 0])
    hub.close()
  })
})
