/**
 * client-node's KubeConfig without the classes that it generates for every kind of Kubernetes: loading them takes 50 MB and half a second, and
 * objects here are plain JSON. While KubeConfig is loaded, their index is answered with the two names that it asks for; where another
 * version asks otherwise, everything is loaded as usual.
 */
import { registerHooks } from 'node:module'

const parent = /\/@kubernetes\/client-node\/dist\/config\.js$/
/** A module of its own: whoever imports client-node as a whole in the same process gets its index as it is. */
const index = './gen/index.js'
const ours = '?configuration'
const needed = [
  "export { createConfiguration } from './configuration.js'",
  "export { ServerConfiguration } from './servers.js'",
].join('\n')

const hooks = registerHooks({
  resolve: (specifier, context, next) =>
    specifier === index && parent.test(context.parentURL ?? '')
      ? { url: new URL(index + ours, context.parentURL).href, format: 'module', shortCircuit: true }
      : next(specifier, context),
  load: (url, context, next) =>
    url.endsWith(index.slice(1) + ours)
      ? { format: 'module', source: needed, shortCircuit: true }
      : next(url, context),
})
const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js').catch(
  () => import('@kubernetes/client-node'),
)
hooks.deregister()

export { KubeConfig }
export type KubeConfig = InstanceType<typeof KubeConfig>
