/**
 * The generated street as a camera: window k shows the scene's seconds from k × duration on. Frames are rendered only when
 * their pixels are asked for.
 */
import type { WindowClock } from '../../operator/api/worker.ts'
import { FrameError } from './errors.ts'
import { encodeJpeg } from './images.ts'
import { resizeToPlanes } from './resize.ts'
import type { Preset } from './scene/drift.ts'
import { presets } from './scene/drift.ts'
import type { SceneClass } from './scene/objects.ts'
import { sceneClasses } from './scene/objects.ts'
import { createStreet, newFrame } from './scene/street.ts'
import type { Footage } from './source.ts'

/** @throws FrameError SourceInvalid: unknown preset, bad seed, or classes that the scene cannot show. */
export function openScene(
  { seed, preset = 'street' }: { readonly seed: number; readonly preset?: string },
  { classes, frameRate }: { readonly classes: readonly string[]; readonly frameRate: number },
): Footage {
  if (!isPreset(preset)) {
    throw new FrameError('SourceInvalid', `scene preset ${preset}: accepted are ${presets.join(', ')}`)
  }
  if (!Number.isSafeInteger(seed))
    throw new FrameError('SourceInvalid', `scene seed ${seed}: must be an integer`)
  const shown = sceneClasses.filter(name => classes.includes(name))
  if (shown.length < 2) {
    throw new FrameError(
      'SourceInvalid',
      `a scene shows ${sceneClasses.join(', ')}; the stream's classes (${classes.join(', ')}) must name at least two of them`,
    )
  }
  const labels = new Map<SceneClass, number>(shown.map(name => [name, classes.indexOf(name)]))
  const street = createStreet(seed, preset, shown)
  const canvas = newFrame()
  const secondsAt = (window: WindowClock, index: number): number =>
    window.index * window.durationSeconds + index / frameRate
  return {
    labelled: true,
    refused: 0,
    frame(window, index) {
      const seconds = secondsAt(window, index)
      return {
        label: labels.get(street.labelAt(seconds))!,
        async pixels(shape) {
          street.paint(canvas, seconds)
          return resizeToPlanes(canvas, shape)
        },
        async jpeg() {
          street.paint(canvas, seconds)
          return encodeJpeg({ width: canvas.width, height: canvas.height, data: canvas.data.slice() })
        },
      }
    },
  }
}

const isPreset = (name: string): name is Preset => (presets as readonly string[]).includes(name)
