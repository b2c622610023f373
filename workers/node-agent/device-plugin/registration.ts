/** Telling kubelet of a device plugin: one call on its socket. */
import { join } from 'node:path'
import { Client, credentials } from '@grpc/grpc-js'
import { AgentError, messageOf } from '../errors.ts'
import { apiVersion, kubeletSocket, method, type RegisterRequest, registrationService } from './messages.ts'
import { pluginOptions } from './plugin-server.ts'

const answersWithinMs = 5000

/** @throws AgentError kubelet-refused */
export async function register(folder: string, endpoint: string, resource: string): Promise<void> {
  const socket = join(folder, kubeletSocket)
  const client = new Client(`unix:${socket}`, credentials.createInsecure())
  const { path, requestSerialize, responseDeserialize } = method<RegisterRequest, object>(
    registrationService,
    'Register',
  )
  const request: RegisterRequest = {
    version: apiVersion,
    endpoint,
    resource_name: resource,
    options: pluginOptions,
  }
  try {
    await new Promise<void>((resolve, reject) =>
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline: Date.now() + answersWithinMs },
        error => (error ? reject(error) : resolve()),
      ),
    )
  } catch (cause) {
    throw new AgentError(
      'kubelet-refused',
      `kubelet at ${socket} did not take the device plugin of ${resource}: ${messageOf(cause)}`,
      { cause },
    )
  } finally {
    client.close()
  }
}
