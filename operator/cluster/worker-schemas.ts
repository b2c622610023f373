/** Schemas of what workers answer, checked at the edge. Unknown fields pass: a worker may be newer than the operator. */

const share = { type: 'number', minimum: 0, maximum: 1 }
const count = { type: 'integer', minimum: 0 }
const nonNegative = { type: 'number', minimum: 0 }
const text = { type: 'string', maxLength: 4096 }
const orNull = (schema: object) => ({ anyOf: [schema, { type: 'null' }] })
const object = (properties: Record<string, object>, optional: readonly string[] = []) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter(name => !optional.includes(name)),
})

const error = object({ code: text, message: text })
const frames = object({ offered: count, analysed: count, skipped: count, dropped: count })

const frameMark = object({ window: count, startsAt: text, frame: { type: 'integer', minimum: -1 } })

export const inferenceStatusSchema = object(
  {
    role: { const: 'inference' },
    stream: text,
    model: object({ uri: text, digest: text }),
    configuration: text,
    window: orNull(object({ index: count, startsAt: text, frames, samples: count })),
    frames,
    gpuSecondsPerFrame: orNull(nonNegative),
    latencySeconds: orNull(object({ p50: nonNegative, p95: nonNegative })),
    draining: { type: 'boolean' },
    standby: { type: 'boolean' },
    from: frameMark,
    until: frameMark,
    now: text,
    error: orNull(error),
  },
  ['standby', 'from', 'until', 'now', 'error'],
)

export const profileStatusSchema = object({
  role: { const: 'profile' },
  stream: text,
  window: count,
  phase: { enum: ['loading', 'labeling', 'profiling', 'done', 'failed'] },
  progress: share,
})

const points = {
  type: 'array',
  maxItems: 64,
  items: { type: 'array', items: [count, share], minItems: 2, maxItems: 2 },
}

export const trainingStatusSchema = object(
  {
    role: { const: 'training' },
    stream: text,
    window: count,
    phase: { enum: ['loading', 'training', 'done', 'failed'] },
    epoch: count,
    epochs: count,
    progress: share,
    validationAccuracy: orNull(share),
    points,
    gpuSeconds: nonNegative,
    workSeconds: nonNegative,
    remainingGpuSeconds: orNull(nonNegative),
    imagesPerSecond: orNull(nonNegative),
  },
  ['points', 'workSeconds'],
)

export const errorAnswerSchema = object({ error })
