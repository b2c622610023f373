/** A headless Chromium for tests of pages: the one that `CHROMIUM` names, or Debian's package. */
import { existsSync } from 'node:fs'
import { type Browser, defaultArgs, launch } from 'puppeteer-core'
import { installPackages, mayInstall } from './debian.ts'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Undefined where there is none. */
export const browserPath = (): string | undefined =>
  [process.env.CHROMIUM, ...places].find(path => path !== undefined && path !== '' && existsSync(path))

/** In CI a machine without one gets Debian's. */
export async function ensureBrowser(onProgress: (line: string) => void): Promise<void> {
  if (browserPath() === undefined && mayInstall()) await installPackages(['chromium'], onProgress)
}

/** @param enter makes the command that runs the browser elsewhere, as in the namespaces of a node. */
export async function startBrowser(
  path: string,
  enter?: (command: readonly string[]) => readonly string[],
): Promise<Browser> {
  // Root has no sandbox to give; the pages are our own.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--force-color-profile=srgb']
  if (enter === undefined) return launch({ executablePath: path, args })
  // It is spoken to by a pipe: its loopback address may be another than ours.
  const command = enter([path, ...(await defaultArgs({ headless: true, args }))])
  // env finds the program on PATH.
  return launch({ executablePath: '/usr/bin/env', args: [...command], ignoreDefaultArgs: true, pipe: true })
}
