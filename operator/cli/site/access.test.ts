import { expect } from 'chai'
import { UsageError } from '../errors.ts'
import { targetOf } from './access.ts'

describe('what a command for a site is about', () => {
  for (const { text, want } of [
    { text: 'cam-0', want: { kind: 'CameraStream', name: 'cam-0' } },
    { text: 'cam/cam-0', want: { kind: 'CameraStream', name: 'cam-0' } },
    { text: 'CameraStream/cam-0', want: { kind: 'CameraStream', name: 'cam-0' } },
    { text: 'rw/main', want: { kind: 'RetrainingWindow', name: 'main' } },
  ])
    it(`is ${want.kind} ${want.name} by ${text}`, () => expect(targetOf(text)).to.deep.equal(want))

  for (const text of ['', 'cam/', '/cam-0', 'pod/cam-0', 'cam/site/cam-0', 'cam/cam-0/', 'Cam-0', 'a b'])
    it(`is nothing by ${JSON.stringify(text)}`, () =>
      expect(() => targetOf(text)).to.throw(UsageError, `${JSON.stringify(text)} names nothing`))
})
