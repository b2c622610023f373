/** Draws a specification of Vega-Lite as SVG text to stand in a page, without a browser. */
import { Error as ErrorLevel, logger, parse, View } from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import { escaped } from '../../text/html.ts'

export interface Described {
  /** Unlike that of every other drawing of the page; letters, digits, hyphens. */
  readonly id: string
  readonly title: string
  /** What there is to see, for those who do not see it. */
  readonly description: string
}

export async function drawn(spec: TopLevelSpec, { id, title, description }: Described): Promise<string> {
  // Its warnings are about plots without points, which a comparison that failed everywhere has.
  const quiet = logger(ErrorLevel)
  const view = new View(parse(compile(spec, { logger: quiet }).spec), { renderer: 'none', logger: quiet })
  const svg = await view.toSVG()
  view.finalize()
  // Vega numbers what it refers to within a process: in one page names must differ, and be the same in the next process.
  const names = new Map<string, string>()
  const own = (name: string): string => {
    if (!names.has(name)) names.set(name, `${id}-${names.size}`)
    return names.get(name)!
  }
  return svg
    .replace(/(\bid="|url\(#)([^")]+)/g, (_, before: string, name: string) => before + own(name))
    .replace(/ (?:aria-[a-z]+|role)="[^"]*"/g, '')
    .replace(/^<svg /, `<svg role="img" aria-labelledby="${id}-title ${id}-desc" `)
    .replace(
      '>',
      `><title id="${id}-title">${escaped(title)}</title><desc id="${id}-desc">${escaped(description)}</desc>`,
    )
}
