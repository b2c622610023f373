/** A headless Chromium for tests of pages: the one that `CHROMIUM` names, or Debian's package. */
import { existsSync } from 'node:fs'
import { type Browser, launch } from 'puppeteer-core'
import { installPackages, mayInstall } from './debian.ts'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Undefined where there is none. */
export const browserPath = (): string | undefined =>
  [process.env.CHROMIUM, ...places].find(path => path !== undefined && path !== '' && existsSync(path))

/** In CI a machine without one gets Debian's. */
export async function ensureBrowser(onProgress: (line: string) => void): Promise<void> {
  if (browserPath() === undefined && mayInstall()) await installPackages(['chromium'], onProgress)
}

export const startBrowser = (path: string): Promise<Browser> =>
  launch({
    executablePath: path,
    // Root has no sandbox to give; the pages are our own.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--force-color-profile=srgb'],
  })
