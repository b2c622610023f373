/**
 * The inference worker: source → frame loop → model, and the HTTP interface by which the operator steers it.
 *
 *   loads ──▶ stands by (if told) ──POST /activate──▶ analyses ──POST /drain until a frame──▶ ends with an InferenceResult, exit 0
 *
 * It never gives up: where the model or the source cannot be had it stays up, not ready, with the reason in its status, and tries
 * again every few seconds; the file may appear, or the operator may send another model.
 */
import type {
  ActivateRequest,
  DrainRequest,
  InferenceConfiguration,
  InferenceResult,
  InferenceStatus,
  InferenceWorkerConfig,
  ModelReference,
  WindowClock,
  WorkerError,
} from '../../operator/api/worker.ts'
import { type Clock, systemClock } from '../frames/clock.ts'
import { type Frame, type FrameSource, openSource } from '../frames/source.ts'
import {
  activateRequestSchema,
  drainRequestSchema,
  inferenceConfigurationSchema,
  modelReferenceSchema,
  windowClockSchema,
} from '../runtime/config-schema.ts'
import { failureOf } from '../runtime/failure.ts'
import type { Route } from '../runtime/http-server.ts'
import type { Outcome, Worker, WorkerContext } from '../runtime/run-worker.ts'
import { checkShare } from '../runtime/share-check.ts'
import { encodeResult } from '../runtime/termination-message.ts'
import { parseJson } from '../runtime/validate.ts'
import { Duty } from './duty.ts'
import { FrameCost } from './frame-cost.ts'
import { FrameLoop } from './frame-loop.ts'
import { Latencies } from './latencies.ts'
import { ModelSlot } from './model-slot.ts'
import { enlargePlanes, scaledShape } from './rescale.ts'
import { WindowSchedule } from './window-schedule.ts'

const retryMs = { first: 250, longest: 10_000 }
const latencyBuckets = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]

type Stage = 'share' | 'model' | 'source'

export class InferenceWorker implements Worker {
  readonly #context: WorkerContext<InferenceWorkerConfig>
  readonly #clock: Clock
  readonly #schedule: WindowSchedule
  readonly #slot: ModelSlot
  readonly #cost: FrameCost
  readonly #latencies = new Latencies()
  readonly #duty: Duty
  readonly #loop: FrameLoop
  readonly routes: readonly Route[]
  #configuration: InferenceConfiguration
  #errors: Partial<Record<Stage, WorkerError['error']>> = {}
  #sourceOpen = false
  /** A frame has gone through the model, whether or not it was the pod's. */
  #warm = false
  /** Cuts a wait before the next attempt short. */
  #retry = new AbortController()

  constructor(context: WorkerContext<InferenceWorkerConfig>, clock: Clock = systemClock) {
    const { config, meter, metrics, log } = context
    this.#context = context
    this.#clock = clock
    this.#configuration = config.configuration
    this.#schedule = new WindowSchedule(config.window, clock.now())
    this.#slot = new ModelSlot({
      storage: config.storage,
      classes: config.classes.length,
      device: config.device,
    })
    this.#cost = new FrameCost(() => meter.gpuSeconds())
    const latency = metrics.histogram(
      'ekya_inference_latency_seconds',
      'Time from the moment a frame is due to its result.',
      latencyBuckets,
    )
    this.#duty = new Duty(config)
    this.#loop = new FrameLoop({
      ...config,
      duty: this.#duty,
      schedule: this.#schedule,
      clock,
      log,
      configuration: () => this.#configuration,
      gpuSecondsPerFrame: () => this.#cost.value,
      analyse: frame => this.#analyse(frame),
      onFrame: (_result, latencySeconds) => {
        if (latencySeconds === null) return
        this.#cost.analysed()
        this.#latencies.add(latencySeconds)
        latency.observe(latencySeconds)
      },
    })
    this.#registerMetrics()
    this.routes = this.#makeRoutes()
  }

  status(): InferenceStatus {
    const { total, window, refused, draining, error: storageError } = this.#loop
    const error = this.#errors.share ?? this.#errors.model ?? this.#errors.source ?? storageError
    const { config } = this.#context
    const { standby, from, until } = this.#duty
    return {
      role: 'inference',
      stream: config.stream,
      model: this.#slot.reference ?? { uri: config.model.uri, digest: '' },
      configuration: this.#configuration.name,
      window: window === null ? this.#windowAhead() : described(window),
      frames: { ...total },
      gpuSecondsPerFrame: this.#cost.value,
      latencySeconds: this.#latencies.quantiles(),
      draining,
      ...(standby ? { standby } : {}),
      ...(from === undefined ? {} : { from }),
      ...(until === undefined ? {} : { until }),
      now: new Date(this.#clock.now()).toISOString(),
      ...(refused > 0 ? { refused } : {}),
      ...(error ? { error } : {}),
    }
  }

  /** Before its first frame a pod tells where it will begin. */
  #windowAhead(): InferenceStatus['window'] {
    if (!this.#duty.standby) return null
    return described({ active: this.#schedule.current, frames: noFrames, samples: 0 })
  }

  onStatusAsked(): void {
    if (this.#schedule.heard()) this.#loop.reschedule()
  }

  awaiting(): readonly string[] {
    const { draining, total } = this.#loop
    return [
      ...(this.#slot.reference === null ? ['the model is loaded'] : []),
      ...(this.#sourceOpen ? [] : ['the source is open']),
      ...(this.#warm || total.analysed > 0 ? [] : ['a first frame is analysed']),
      ...(draining ? ['the drained pod is replaced'] : []),
    ]
  }

  async run(signal: AbortSignal): Promise<Outcome> {
    const { config, log } = this.#context
    const ended = new Promise<void>(resolve => {
      if (signal.aborted) resolve()
      else signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await this.#persist('share', signal, () => checkShare(process.env, signal))
    await this.#persist('model', signal, async () => {
      if (this.#slot.reference === null) await this.#slot.replace(config.model)
      this.#tellUnknownClasses()
    })
    await this.#persist('source', signal, () => this.#serve(signal))
    // A pod that was drained for good has nothing to wait for.
    if (this.#duty.until === undefined) await ended
    await this.#slot.close()
    log.info({ frames: this.#loop.total, lastFrame: this.#loop.lastFrame }, 'stopped')
    const result = this.#result()
    return { failed: false, ...(result === undefined ? {} : { message: encodeResult(result, []) }) }
  }

  #result(): InferenceResult | undefined {
    const { until } = this.#duty
    const { lastFrame, total } = this.#loop
    return until && { kind: 'inference', until, lastFrame, frames: { ...total } }
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const { config, log } = this.#context
    let source: FrameSource | undefined
    try {
      source = await openSource(config.source, { ...config, clock: this.#clock }, signal)
      if (source.refused > 0) log.warn({ refused: source.refused }, 'entries of the source were left out')
      if (this.#duty.standby) await this.#warmUp(source, signal)
      this.#sourceOpen = true
      delete this.#errors.source
      await onDuty(this.#duty, signal)
      this.#cost.interrupt()
      await this.#loop.run(source, signal)
    } finally {
      this.#sourceOpen = this.#loop.draining
      await source?.close()
    }
  }

  /** One frame all the way through, so that the first one that counts is not late for what is loaded on demand. */
  async #warmUp(source: FrameSource, signal: AbortSignal): Promise<void> {
    const { index, startsAt, durationSeconds, maxSamples } = this.#schedule.current
    for await (const frame of source.frames(
      { index, startsAt, durationSeconds, maxSamples, firstFrame: 0 },
      signal,
    )) {
      await this.#analyse(frame)
      this.#warm = true
      return
    }
  }

  /** Repeats `attempt` with growing pauses until it succeeds or the worker ends. */
  async #persist(stage: Stage, signal: AbortSignal, attempt: () => Promise<void>): Promise<void> {
    for (let pause = retryMs.first; !signal.aborted; pause = Math.min(2 * pause, retryMs.longest)) {
      try {
        await attempt()
        delete this.#errors[stage]
        return
      } catch (error) {
        if (signal.aborted) return
        const failure = failureOf(error)
        if (this.#errors[stage]?.message !== failure.message)
          this.#context.log.error({ code: failure.code, err: error }, `no ${stage}: ${failure.message}`)
        this.#errors[stage] = failure
      }
      this.#retry = new AbortController()
      const wake = AbortSignal.any([signal, this.#retry.signal])
      await this.#clock.sleepUntil(this.#clock.now() + pause, wake).catch(() => {})
    }
  }

  async #analyse(frame: Frame): Promise<number> {
    const { resolutionScale } = this.#configuration
    return this.#slot.use(async classifier => {
      const { height, width } = classifier.input
      const full = { height, width }
      const shape = scaledShape(full, resolutionScale)
      const seen = await frame.pixels(shape)
      const whole = shape.height === height && shape.width === width
      const [result] = await classifier.classify(whole ? seen : enlargePlanes(seen, shape, full), 1)
      return result!
    })
  }

  #makeRoutes(): readonly Route[] {
    const post = <Body>(path: string, schema: object, act: (body: Body) => unknown): Route => ({
      method: 'POST',
      path,
      handle: async text => {
        await act(parseJson<Body>(schema, text, `the body of POST ${path}`, 'BadRequest'))
        return { body: this.status() }
      },
    })
    return [
      post<ModelReference>('/model', modelReferenceSchema, reference => this.#setModel(reference)),
      post<InferenceConfiguration>('/configuration', inferenceConfigurationSchema, configuration => {
        this.#configuration = configuration
      }),
      post<WindowClock>('/window', windowClockSchema, clock => {
        if (this.#schedule.announce(clock, this.#clock.now())) this.#loop.reschedule()
      }),
      post<ActivateRequest>('/activate', activateRequestSchema, ({ from }) => {
        this.#duty.activate(from, this.#clock.now())
        this.#context.log.info({ from }, 'on duty')
      }),
      {
        method: 'POST',
        path: '/drain',
        handle: async text => {
          const body = text.trim() === '' ? '{}' : text
          const { until } = parseJson<DrainRequest>(
            drainRequestSchema,
            body,
            'the body of POST /drain',
            'BadRequest',
          )
          if (until === undefined) await this.#loop.drain()
          else this.#duty.end(until)
          return { body: { ...this.status(), lastFrame: this.#loop.lastFrame } }
        },
      },
    ]
  }

  async #setModel(reference: ModelReference): Promise<void> {
    if (await this.#slot.replace(reference)) {
      this.#context.log.info(this.#slot.reference!, 'model in use')
      this.#tellUnknownClasses()
      // Loading is no part of what a frame costs.
      this.#cost.interrupt()
    }
    this.#retry.abort()
  }

  #tellUnknownClasses(): void {
    const { config, log } = this.#context
    const unknown = config.classes.slice(config.classes.length - this.#slot.unknownClasses)
    if (unknown.length > 0)
      log.warn({ unknown }, `the model does not know ${unknown.join(', ')} until it has been retrained`)
  }

  #registerMetrics(): void {
    const { metrics } = this.#context
    metrics.counter('ekya_frames_total', 'Frames by what became of them.', ['result'], () => {
      const { analysed, skipped, dropped } = this.#loop.total
      return Object.entries({ analysed, skipped, dropped }).map(([result, count]) => [{ result }, count])
    })
    metrics.counter('ekya_frames_refused_total', 'Corrupt frames, counted as dropped too.', [], () => [
      [{}, this.#loop.refused],
    ])
    metrics.gauge('ekya_frame_gpu_seconds', 'GPU-seconds that one analysed frame costs.', [], () => [
      [{}, this.#cost.value],
    ])
    metrics.gauge('ekya_window_samples', 'Frames of this window kept for labelling.', [], () => [
      [{}, this.#loop.window?.samples ?? null],
    ])
  }
}

const noFrames = { offered: 0, analysed: 0, skipped: 0, dropped: 0 }

function described({ active, frames, samples }: NonNullable<FrameLoop['window']>): InferenceStatus['window'] {
  if (!active.scheduled) return null
  return { index: active.index, startsAt: active.startsAt, frames: { ...frames }, samples }
}

/** Returns early where the worker ends. */
async function onDuty(duty: Duty, signal: AbortSignal): Promise<void> {
  const ended = Promise.withResolvers<void>()
  const end = (): void => ended.resolve()
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  await Promise.race([duty.activated, ended.promise])
  signal.removeEventListener('abort', end)
}
