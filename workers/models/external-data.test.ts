import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { smallCnn } from './architectures/small-cnn.ts'
import { withTensorsInside } from './external-data.ts'
import { decodeModel, encodeModel, type TensorProto } from './onnx.ts'

describe('weights beside an ONNX file', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ekya-external-'))
  })
  after(() => rm(folder, { recursive: true }))
  const whole = smallCnn({ classes: 2, seed: 1, widths: [2, 3] })

  /** The model with its weights in one file, one after the other. */
  async function apart(
    location: string,
    placed: (offset: number, length: number) => Readonly<Record<string, number>> = (offset, length) => ({
      offset,
      length,
    }),
  ): Promise<Uint8Array> {
    const given = decodeModel(whole)
    const parts: Uint8Array[] = []
    let offset = 0
    const initializer = given.graph.initializer.map(
      ({ rawData = new Uint8Array(), ...tensor }): TensorProto => {
        const at = Object.entries(placed(offset, rawData.length))
        offset += rawData.length
        parts.push(rawData)
        const externalData = [
          { key: 'location', value: location },
          ...at.map(([key, value]) => ({ key, value: String(value) })),
        ]
        return { ...tensor, dataLocation: 1, externalData }
      },
    )
    await writeFile(join(folder, 'weights.data'), Buffer.concat(parts))
    return encodeModel({ ...given, graph: { ...given.graph, initializer } })
  }

  it('come into it', async () => {
    const inside = await withTensorsInside(await apart('weights.data'), join(folder, 'a.onnx'))
    expect(decodeModel(inside)).to.deep.equal(decodeModel(whole))
  })

  it('are none where all are inside, and where there is no ONNX file', async () => {
    for (const bytes of [whole, new TextEncoder().encode('no model')])
      expect(await withTensorsInside(bytes, join(folder, 'a.onnx'))).to.equal(bytes)
  })

  for (const { name, location, placed, want } of [
    {
      name: 'that are not there',
      location: 'gone.data',
      want: /conv1\.weight of .*a\.onnx .*gone\.data cannot/,
    },
    {
      name: 'of another folder',
      location: '../weights.data',
      want: /\.\.\/weights\.data is refused; accepted: /,
    },
    {
      name: 'with an absolute path',
      location: '/etc/hostname',
      want: /\/etc\/hostname is refused; accepted: /,
    },
    {
      name: 'that end too early',
      location: 'weights.data',
      placed: () => ({ offset: 8, length: 1e9 }),
      want: /weights\.data has \d+ bytes, 1000000000 from 8 on are asked for/,
    },
  ])
    it(`are refused by the tensor's name: ${name}`, async () => {
      const bytes = await apart(location, placed)
      const error = await withTensorsInside(bytes, join(folder, 'a.onnx')).then(
        () => expect.fail('it was read'),
        (reason: Error & { code?: string }) => reason,
      )
      expect(error).to.have.property('code', 'ModelInvalid')
      expect(error.message).to.match(want)
    })
})
