/**
 * JSON schemas of what a worker is told: `EKYA_CONFIG` of each role and the bodies of its HTTP interface.
 * Unknown fields are refused: a misspelt one would otherwise be ignored in silence.
 */
import type { WorkerRole } from '../../operator/api/worker.ts'

const object = (properties: Record<string, object>, optional: readonly string[] = []) => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties).filter(name => !optional.includes(name)),
  properties,
})
/** An object with exactly one of the fields. */
const oneOf = (properties: Record<string, object>) => ({
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties,
})

/** Names become folders: nothing that could lead elsewhere. */
const name = { type: 'string', maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' }
const text = { type: 'string', minLength: 1, maxLength: 253 }
const uri = { type: 'string', minLength: 1, maxLength: 2048 }
const index = { type: 'integer', minimum: 0, maximum: 2 ** 31 - 1 }
const fraction = { type: 'number', exclusiveMinimum: 0, maximum: 1 }
const positive = { type: 'number', exclusiveMinimum: 0 }
const epochs = { type: 'integer', minimum: 1, maximum: 1000 }

const time = { type: 'string', format: 'date-time' }

export const modelReferenceSchema = object({ uri, digest: { type: 'string', pattern: '^[0-9a-f]{64}$' } }, [
  'digest',
])

export const inferenceConfigurationSchema = object({
  name: text,
  frameInterval: { type: 'integer', minimum: 1, maximum: 1000 },
  resolutionScale: fraction,
})

export const windowClockSchema = object({
  index,
  startsAt: time,
  durationSeconds: { type: 'number', minimum: 1, maximum: 86_400 },
  maxSamples: { type: 'integer', minimum: 0, maximum: 10_000 },
})

const frameMarkSchema = object({ window: index, startsAt: time, frame: { type: 'integer', minimum: -1 } })

export const activateRequestSchema = object({ from: frameMarkSchema }, ['from'])
export const drainRequestSchema = object({ until: frameMarkSchema }, ['until'])

const retrainingConfigurationSchema = object(
  {
    name: text,
    epochs,
    batchSize: { type: 'integer', minimum: 2, maximum: 4096 },
    learningRate: { type: 'number', exclusiveMinimum: 0, maximum: 10 },
    trainableLayers: { anyOf: [{ enum: ['all', 'head'] }, { type: 'integer', minimum: 1 }] },
    hiddenUnits: { type: 'integer', minimum: 1, maximum: 65_536 },
    dataFraction: fraction,
  },
  ['hiddenUnits'],
)

const device = object({ kind: { enum: ['cpu', 'cuda'] }, cores: positive }, ['cores'])

const source = oneOf({
  samples: object({ uri }),
  scene: object({ seed: { type: 'integer' }, preset: text }, ['preset']),
})

const common = {
  namespace: name,
  stream: name,
  classes: { type: 'array', items: text, minItems: 2, maxItems: 1000, uniqueItems: true },
  storage: { type: 'string', minLength: 1, maxLength: 4096, pattern: '^/' },
  device,
  seed: { type: 'integer' },
}
const validationFraction = { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }

export const configSchemas: Readonly<Record<WorkerRole, object>> = {
  inference: object(
    {
      role: { const: 'inference' },
      ...common,
      source,
      frameRate: { type: 'number', exclusiveMinimum: 0, maximum: 240 },
      model: modelReferenceSchema,
      configuration: inferenceConfigurationSchema,
      window: windowClockSchema,
      standby: { type: 'boolean' },
      generation: { type: 'integer', minimum: 1 },
    },
    ['window', 'standby', 'generation'],
  ),
  profile: object(
    {
      role: { const: 'profile' },
      ...common,
      window: index,
      samplesWindow: index,
      goldenModel: modelReferenceSchema,
      model: modelReferenceSchema,
      initialModel: modelReferenceSchema,
      maxSamples: { type: 'integer', minimum: 1, maximum: 10_000 },
      microProfiler: object(
        {
          epochs,
          sampleFraction: fraction,
          budgetGpuSeconds: positive,
          order: { type: 'array', items: retrainingConfigurationSchema.properties.name, maxItems: 100 },
        },
        ['budgetGpuSeconds', 'order'],
      ),
      configurations: { type: 'array', items: retrainingConfigurationSchema, maxItems: 100 },
      historyWindows: { type: 'integer', minimum: 0, maximum: 1000 },
      historyWeight: fraction,
      validationFraction,
      endsBy: time,
    },
    ['goldenModel', 'endsBy'],
  ),
  training: object(
    {
      role: { const: 'training' },
      ...common,
      window: index,
      model: modelReferenceSchema,
      configuration: retrainingConfigurationSchema,
      samplesWindows: { type: 'array', items: index, minItems: 1, maxItems: 1000, uniqueItems: true },
      historyWeight: fraction,
      validationFraction,
      checkpointEverySeconds: positive,
      spent: object({ gpuSeconds: { type: 'number', minimum: 0 }, seconds: { type: 'number', minimum: 0 } }),
    },
    ['spent'],
  ),
}
