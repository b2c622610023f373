/** A headless Chromium for tests of pages: the one that `CHROMIUM` names, or Debian's package. */
import { existsSync } from 'node:fs'
import { type Browser, launch } from 'puppeteer-core'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Undefined where there is none. */
export const browserPath = (): string | undefined =>
  [process.env.CHROMIUM, ...places].find(path => path !== undefined && path !== '' && existsSync(path))

export const startBrowser = (path: string): Promise<Browser> =>
  launch({
    executablePath: path,
    // Root has no sandbox to give; the pages are our own.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--force-color-profile=srgb'],
  })
