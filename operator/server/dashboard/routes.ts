/** The dashboard's addresses. Everything is read-only, and made from caches, except the frames, which come from the storage. */
import { readFileSync } from 'node:fs'
import express, { type Request, type Response, type Router } from 'express'
import type { Turn } from '../turns.ts'
import { document, type Frame, type PageContent } from './layout.ts'
import type { LiveHub } from './live.ts'
import { overviewPage } from './overview-page.ts'
import type { Query } from './paging.ts'
import type { DashboardSite } from './site.ts'
import { streamPage } from './stream-page.ts'
import { windowPage } from './window-page.ts'

const framesOnPage = 12
const asset = (file: string): string => readFileSync(new URL(`./assets/${file}`, import.meta.url), 'utf8')
const assets: Readonly<Record<string, readonly [type: string, text: string]>> = {
  'dashboard.css': ['text/css', asset('dashboard.css')],
  'live.js': ['text/javascript', asset('live.js')],
  'icon.svg': ['image/svg+xml', asset('icon.svg')],
}

export interface DashboardOptions {
  readonly site: DashboardSite
  readonly frame: () => Omit<Frame, 'now'>
  readonly live: LiveHub
  readonly now: () => Date
}

export function dashboardRoutes({ site, frame, live, now }: DashboardOptions, turn: Turn): Router {
  const router = express.Router()
  const send = async (response: Response, make: () => PageContent): Promise<void> => {
    await turn()
    response.type('html').send(document(make(), { ...frame(), now: now() }))
  }
  const missing = (response: Response, what: string): void => {
    response.status(404).type('text/plain').send(`there is no ${what}; / lists what there is\n`)
  }
  const keyOf = (request: Request): string => `${request.params.namespace}/${request.params.name}`

  router.get('/', (request, response) => send(response, () => overviewPage(site, queryOf(request))))
  router.get('/windows/:namespace/:name', async (request, response) => {
    const window = site.cluster.windows.get(keyOf(request))
    if (window === undefined) return missing(response, `RetrainingWindow ${keyOf(request)}`)
    await send(response, () => windowPage(site, window, queryOf(request), now()))
  })
  router.get('/streams/:namespace/:name', async (request, response) => {
    const stream = site.cluster.streams.get(keyOf(request))
    if (stream === undefined) return missing(response, `CameraStream ${keyOf(request)}`)
    const { namespace = '', name } = stream.metadata
    const sampled = await site.samples.recent(namespace, name, framesOnPage)
    await send(response, () =>
      streamPage({ stream, window: site.cluster.membership(stream).window }, sampled),
    )
  })
  router.get('/streams/:namespace/:name/frames/:window/:file', async (request, response) => {
    const stream = site.cluster.streams.get(keyOf(request))
    const { window = '', file = '' } = request.params as Readonly<Record<string, string>>
    const { namespace = '', name = '' } = stream?.metadata ?? {}
    const image =
      stream === undefined || !/^\d{1,12}$/.test(window)
        ? undefined
        : await site.samples.image(namespace, name, Number(window), file)
    if (image === undefined) return missing(response, 'such frame')
    response.type('image/jpeg').send(image)
  })
  router.get('/live', (request, response) => live.listen(request, response))
  router.get('/assets/:file', (request, response) => {
    const found = Object.hasOwn(assets, request.params.file) ? assets[request.params.file] : undefined
    if (found === undefined) return missing(response, 'such asset')
    response.type(found[0]).send(found[1])
  })
  return router
}

/** Each part once, as text. */
function queryOf(request: Request): Query {
  const parts = Object.entries(request.query).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.fromEntries(
    parts.filter(([name]) => ['page', 'sites', 'gpus', 'name', 'show', 'sort'].includes(name)),
  )
}
