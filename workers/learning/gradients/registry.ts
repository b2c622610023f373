/** Every operator that can be trained through. An operator below the trained layers needs no entry. */
import { add } from './add.ts'
import { averagePool } from './average-pool.ts'
import { batchNormalization } from './batch-normalization.ts'
import { clip } from './clip.ts'
import { concat } from './concat.ts'
import { constant } from './constant.ts'
import { conv } from './conv.ts'
import { convTranspose } from './conv-transpose.ts'
import { div } from './div.ts'
import { dropout } from './dropout.ts'
import { erf } from './erf.ts'
import { gelu } from './gelu.ts'
import { gemm } from './gemm.ts'
import { globalAveragePool } from './global-average-pool.ts'
import { hardSigmoid } from './hard-sigmoid.ts'
import { hardSwish } from './hard-swish.ts'
import { identity } from './identity.ts'
import { layerNormalization } from './layer-normalization.ts'
import { leakyRelu } from './leaky-relu.ts'
import { matMul } from './mat-mul.ts'
import { maxPool } from './max-pool.ts'
import { mul } from './mul.ts'
import { pad } from './pad.ts'
import { reduceMean, reduceSum } from './reduce.ts'
import { relu } from './relu.ts'
import { reshape } from './reshape.ts'
import { resize } from './resize.ts'
import type { GradientRule } from './rule.ts'
import { sigmoid } from './sigmoid.ts'
import { slice } from './slice.ts'
import { softmax } from './softmax.ts'
import { split } from './split.ts'
import { sub } from './sub.ts'
import { tanh } from './tanh.ts'
import { transpose } from './transpose.ts'

export const gradientRules: ReadonlyMap<string, GradientRule> = new Map([
  ['Add', add],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Clip', clip],
  ['Concat', concat],
  ['Constant', constant],
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['Div', div],
  ['Dropout', dropout],
  ['Erf', erf],
  ['Flatten', reshape],
  ['Gelu', gelu],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['HardSigmoid', hardSigmoid],
  ['HardSwish', hardSwish],
  ['Identity', identity],
  ['LayerNormalization', layerNormalization],
  ['LeakyRelu', leakyRelu],
  ['MatMul', matMul],
  ['MaxPool', maxPool],
  ['Mul', mul],
  ['Pad', pad],
  ['ReduceMean', reduceMean],
  ['ReduceSum', reduceSum],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Resize', resize],
  ['Sigmoid', sigmoid],
  ['Slice', slice],
  ['Softmax', softmax],
  ['Split', split],
  ['Squeeze', reshape],
  ['Sub', sub],
  ['Tanh', tanh],
  ['Transpose', transpose],
  ['Unsqueeze', reshape],
])
