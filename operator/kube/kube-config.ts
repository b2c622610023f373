/**
 * client-node's KubeConfig without the classes that it generates for every kind of Kubernetes: loading them takes 50 MB and half a second, and
 * objects here are plain JSON. While KubeConfig is loaded, their index is answered with the two names that it asks for; where another
 * version asks otherwise, everything is loaded as usual.
 */
import { registerHooks } from 'node:module'

const index = /\/@kubernetes\/client-node\/dist\/gen\/index\.js$/
const needed = [
  "export { createConfiguration } from './configuration.js'",
  "export { ServerConfiguration } from './servers.js'",
].join('\n')

const hooks = registerHooks({
  load: (url, context, next) =>
    index.test(url) ? { format: 'module', source: needed, shortCircuit: true } : next(url, context),
})
const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js').catch(
  () => import('@kubernetes/client-node'),
)
hooks.deregister()

export { KubeConfig }
export type KubeConfig = InstanceType<typeof KubeConfig>
