/** Every operator that can be trained through. An operator below the trained layers needs no entry. */
import { add } from './add.ts'
import { averagePool } from './average-pool.ts'
import { batchNormalization } from './batch-normalization.ts'
import { conv } from './conv.ts'
import { gemm } from './gemm.ts'
import { globalAveragePool } from './global-average-pool.ts'
import { identity } from './identity.ts'
import { matMul } from './mat-mul.ts'
import { maxPool } from './max-pool.ts'
import { relu } from './relu.ts'
import { reshape } from './reshape.ts'
import type { GradientRule } from './rule.ts'

export const gradientRules: ReadonlyMap<string, GradientRule> = new Map([
  ['Add', add],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Conv', conv],
  ['Flatten', reshape],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['Identity', identity],
  ['MatMul', matMul],
  ['MaxPool', maxPool],
  ['Relu', relu],
  ['Reshape', reshape],
])
