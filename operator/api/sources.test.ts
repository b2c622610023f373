import { expect } from 'chai'
import { configSchemas } from '../../workers/runtime/config-schema.ts'
import { specSchemas } from './generated/schemas.ts'
import type { Source } from './generated/types.ts'
import { readableSource, sourceProblem } from './sources.ts'

const examples: readonly Source[] = [
  { rtsp: { url: 'rtsp://10.0.3.7/main', transport: 'tcp' } },
  { video: { uri: 'videos/a.mp4', loop: true } },
  { samples: { uri: 'samples/cam-0' } },
  { scene: { seed: 1, preset: 'street' } },
]

describe('a source', () => {
  const kindsOf = (schema: object, ...path: readonly string[]): string[] =>
    Object.keys(path.reduce((at, name) => (at as Record<string, object>)[name]!, schema))
  const kinds = kindsOf(specSchemas.CameraStream!, 'properties', 'source', 'properties')
  const workers = kindsOf(configSchemas.inference, 'properties', 'source', 'properties')

  for (const kind of kinds) {
    const source = examples.find(each => kind in each)!
    if (workers.includes(kind))
      it(`of the kind ${kind} reaches workers as it is`, () => {
        expect(sourceProblem(source)).to.equal(undefined)
        expect(readableSource(source)).to.deep.equal(source)
      })
    else
      it(`of the kind ${kind} is refused, with the kinds that workers take`, () => {
        expect(readableSource(source)).to.equal(undefined)
        expect(sourceProblem(source)).to.equal(
          `spec.source.${kind}: workers cannot read such a source yet; accepted: ${workers.join(', ')}`,
        )
      })
  }
})
