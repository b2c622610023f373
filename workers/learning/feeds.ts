/** What a run is given: images of one batch or several, one behind the other, and what belongs to them. */
import { floats, type Tensor } from '../models/session.ts'

export type Feeds = Readonly<Record<string, Tensor>>

/** With images behind the given ones of which nobody reads what comes out. */
export function filledUp(feeds: Feeds, images: number): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, tensor]) => {
      const [given, ...dims] = tensor.dims
      if (given === images) return [name, tensor]
      const data = new Float32Array(images * dims.reduce((a, b) => a * b, 1))
      data.set(tensor.data as Float32Array)
      return [name, floats(data, [images, ...dims])]
    }),
  )
}
