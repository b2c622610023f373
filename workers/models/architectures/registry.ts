/** Student networks by name. */
import { mobilenetv2 } from './mobilenetv2.ts'
import type { NetworkOptions } from './options.ts'
import { resnet18 } from './resnet18.ts'
import { shufflenetv2 } from './shufflenetv2.ts'
import { smallCnn } from './small-cnn.ts'

export const architectures: Readonly<Record<string, (options: NetworkOptions) => Uint8Array>> = {
  'small-cnn': ({ width = 1, ...options }) =>
    smallCnn({
      ...options,
      widths: [32, 64, 128].map(channels => Math.max(1, Math.round(channels * width))),
    }),
  resnet18,
  mobilenetv2,
  shufflenetv2,
}
