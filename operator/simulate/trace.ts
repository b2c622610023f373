/**
 * Trace files (version 1): what a scheduler may know about some streams over some windows, so that policies can be compared without a
 * cluster. Times are GPU-seconds on one whole GPU, accuracies and shares are in [0, 1].
 *
 * Every window stands for itself: it starts from its own `accuracyBefore`. `estimate` is what the micro-profiler predicted of a
 * retraining, beside what really came of it.
 */
import { Ajv } from 'ajv'
import type { Schema } from '../api/schema.ts'
import { problemsOf, type SchemaProblem, shown } from '../api/schema-problems.ts'
import { printable } from '../text/printable.ts'
import { TraceError } from './errors.ts'

export interface Trace {
  readonly version: 1
  /** Where the numbers come from. */
  readonly source?: string
  /** Absent: any share above 0 serves at full accuracy. */
  readonly inferenceProfile?: TraceInferenceProfile
  /** [share, speed], increasing to [1, 1]; absent: speed = share. */
  readonly throughputCurve?: readonly (readonly [number, number])[]
  readonly streams: readonly TraceStream[]
}

export interface TraceInferenceProfile {
  /** Share of one GPU from which every frame is analysed. */
  readonly maxShare: number
  /** Every how manyth frame is analysed, increasing. */
  readonly subsampling: readonly number[]
  /** What that leaves of the model's accuracy, as many numbers, never increasing. */
  readonly accuracyFactor: readonly number[]
}

export interface TraceStream {
  readonly name: string
  readonly minAccuracy?: number
  readonly weight?: number
  /** In order of time; the stream is absent from later ones. */
  readonly windows: readonly TraceWindow[]
}

export interface TraceWindow {
  readonly accuracyBefore: number
  readonly retraining: readonly TraceRetraining[]
}

export interface TraceRetraining extends TraceOutcome {
  readonly configuration: string
  readonly estimate?: TraceOutcome
}

export interface TraceOutcome {
  readonly accuracyAfter: number
  readonly gpuSeconds: number
}

/** Longer texts are refused before they are parsed. */
export const mostTraceCharacters = 200_000_000

const unit: Schema = { type: 'number', minimum: 0, maximum: 1 }
const name: Schema = { type: 'string', minLength: 1, maxLength: 253 }
const outcome: Readonly<Record<string, Schema>> = {
  accuracyAfter: unit,
  gpuSeconds: { type: 'number', minimum: 0, maximum: 1e9 },
}

const schema: Schema = {
  type: 'object',
  required: ['version', 'streams'],
  additionalProperties: false,
  properties: {
    version: { type: 'integer', minimum: 1, maximum: 1 },
    source: { type: 'string', maxLength: 10_000 },
    inferenceProfile: {
      type: 'object',
      required: ['maxShare', 'subsampling', 'accuracyFactor'],
      additionalProperties: false,
      properties: {
        maxShare: { type: 'number', exclusiveMinimum: 0, maximum: 1000 },
        subsampling: {
          type: 'array',
          minItems: 1,
          maxItems: 1000,
          items: { type: 'number', exclusiveMinimum: 0, maximum: 1e9 },
        },
        accuracyFactor: { type: 'array', minItems: 1, maxItems: 1000, items: unit },
      },
    },
    throughputCurve: {
      type: 'array',
      minItems: 1,
      maxItems: 1000,
      items: { type: 'array', minItems: 2, maxItems: 2, items: unit },
    },
    streams: {
      type: 'array',
      minItems: 1,
      maxItems: 10_000,
      items: {
        type: 'object',
        required: ['name', 'windows'],
        additionalProperties: false,
        properties: {
          name,
          minAccuracy: unit,
          weight: { type: 'number', exclusiveMinimum: 0, maximum: 1e6 },
          windows: {
            type: 'array',
            minItems: 1,
            maxItems: 10_000,
            items: {
              type: 'object',
              required: ['accuracyBefore', 'retraining'],
              additionalProperties: false,
              properties: {
                accuracyBefore: unit,
                retraining: {
                  type: 'array',
                  maxItems: 1000,
                  items: {
                    type: 'object',
                    required: ['configuration', 'accuracyAfter', 'gpuSeconds'],
                    additionalProperties: false,
                    properties: {
                      configuration: name,
                      ...outcome,
                      estimate: {
                        type: 'object',
                        required: ['accuracyAfter', 'gpuSeconds'],
                        additionalProperties: false,
                        properties: outcome,
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
}

const matchesSchema = new Ajv({ allErrors: true, verbose: true, strict: true }).compile<Trace>(schema)

/**
 * @param file named in errors.
 * @throws TraceError naming every problem (the first few of many) with its path.
 */
export function parseTrace(text: string, file: string): Trace {
  if (text.length > mostTraceCharacters)
    throw new TraceError(file, [
      { path: '', message: `has ${text.length} characters; accepted: at most ${mostTraceCharacters}` },
    ])
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    const message = `is not JSON (${printable((error as Error).message)}); accepted: a trace of version 1, complete and without NaN`
    throw new TraceError(file, [{ path: '', message }], { cause: error })
  }
  if (!matchesSchema(value)) throw new TraceError(file, problemsOf(matchesSchema.errors ?? []))
  const trace = value
  const problems = [
    ...profileProblems(trace.inferenceProfile),
    ...curveProblems(trace.throughputCurve),
    ...nameProblems(trace),
  ]
  if (problems.length > 0) throw new TraceError(file, problems)
  return trace
}

/** Of all retrainings, each once. */
export const configurationsOf = ({ streams }: Pick<Trace, 'streams'>): string[] => [
  ...new Set(streams.flatMap(({ windows }) => windows.flatMap(w => w.retraining.map(o => o.configuration)))),
]

function profileProblems(profile: TraceInferenceProfile | undefined): SchemaProblem[] {
  if (profile === undefined) return []
  const { subsampling, accuracyFactor } = profile
  const at = 'inferenceProfile'
  if (subsampling.length !== accuracyFactor.length)
    return [
      {
        path: `${at}.accuracyFactor`,
        message: `has ${accuracyFactor.length} items; accepted: as many as subsampling, ${subsampling.length}`,
      },
    ]
  return [
    ...unordered(subsampling, `${at}.subsampling`, 'above the one before it', (a, b) => b > a),
    ...unordered(accuracyFactor, `${at}.accuracyFactor`, 'at most the one before it', (a, b) => b <= a),
  ]
}

function curveProblems(curve: Trace['throughputCurve']): SchemaProblem[] {
  if (curve === undefined) return []
  const at = 'throughputCurve'
  const [share, speed] = curve.at(-1)!
  const rising = (values: readonly number[], k: number): SchemaProblem[] =>
    unordered(values, at, 'above the one before it', (a, b) => b > a).map(p => ({
      ...p,
      path: `${p.path}[${k}]`,
    }))
  return [
    ...rising(
      curve.map(point => point[0]),
      0,
    ),
    ...rising(
      curve.map(point => point[1]),
      1,
    ),
    ...(share === 1 && speed === 1
      ? []
      : [
          {
            path: `${at}[${curve.length - 1}]`,
            message: `${shown([share, speed])} ends the curve; accepted: [1,1]`,
          },
        ]),
  ]
}

/** The first item that breaks the order. */
function unordered(
  values: readonly number[],
  path: string,
  accepted: string,
  holds: (before: number, value: number) => boolean,
): SchemaProblem[] {
  const at = values.findIndex((value, i) => i > 0 && !holds(values[i - 1]!, value))
  if (at < 0) return []
  return [
    {
      path: `${path}[${at}]`,
      message: `${values[at]} comes after ${values[at - 1]}; accepted: a number ${accepted}`,
    },
  ]
}

function nameProblems({ streams }: Trace): SchemaProblem[] {
  return [
    ...repeated(streams.map(stream => stream.name)).map(([i, first]) => ({
      path: `streams[${i}].name`,
      message: `${shown(streams[i]!.name)} is there already, as stream ${first}; accepted: each name once`,
    })),
    ...streams.flatMap((stream, s) =>
      stream.windows.flatMap(({ retraining }, w) =>
        repeated(retraining.map(option => option.configuration)).map(([i, first]) => ({
          path: `streams[${s}].windows[${w}].retraining[${i}].configuration`,
          message: `${shown(retraining[i]!.configuration)} is there already, as item ${first}; accepted: each configuration once`,
        })),
      ),
    ),
  ]
}

/** Indexes of repeated names, each with that of the first. */
function repeated(names: readonly string[]): [number, number][] {
  const first = new Map<string, number>()
  return names.flatMap((text, i): [number, number][] => {
    const known = first.get(text)
    if (known !== undefined) return [[i, known]]
    first.set(text, i)
    return []
  })
}
