/**
 * Asking one MPS control daemon, by `nvidia-cuda-mps-control` with a command on its standard input.
 *
 * What it answers (MPS version 2, drivers 550 to 580; read off a real one):
 *   get_server_list              PIDs, one a line; nothing before the first client
 *   get_server_status PID        ACTIVE, INITIALIZING or FAULT
 *   ps                           a table; nothing without clients; "Server not found" without a server
 *   terminate_client SERVER PID  0 where it was done, another number where not
 * The status is 0 whatever the command was, and 1 where no daemon is there ("Cannot find MPS control daemon process").
 * A daemon serves one question at a time: while somebody else asks, it is also 1 ("Cannot send command to MPS control daemon process").
 */
import { type Clock, sleep, systemClock } from '../../operator/kube/clock.ts'
import { AgentError } from './errors.ts'
import type { Programs } from './programs.ts'

export interface MpsClient {
  /** On the host. */
  readonly pid: number
  readonly server: number
  readonly command: string
}

export type ServerStatus = 'INITIALIZING' | 'ACTIVE' | 'FAULT'

export interface MpsServer {
  readonly pid: number
  readonly status: ServerStatus
}

export interface MpsControl {
  /** @throws AgentError daemon-absent, answer-unreadable, program-missing, program-timeout */
  servers(signal?: AbortSignal): Promise<readonly MpsServer[]>
  clients(signal?: AbortSignal): Promise<readonly MpsClient[]>
  /** Ends a client without harm to others, as a signal to a busy one may not. @returns false: the server knows no such client */
  terminate(client: Pick<MpsClient, 'pid' | 'server'>, signal?: AbortSignal): Promise<boolean>
  /** The daemon ends; with clients it may wait for them. */
  quit(signal?: AbortSignal): Promise<void>
}

/** Others ask for a moment, so a daemon that is there is asked again. */
const attempts = 5
const pauseMs = 100
const absence = 'Cannot find MPS control daemon process'

export function mpsControl(
  programs: Programs,
  program: string,
  pipeDirectory: string,
  clock: Clock = systemClock,
): MpsControl {
  const ask = async (command: string, signal?: AbortSignal, timeoutMs?: number): Promise<string> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await askOnce(command, signal, timeoutMs)
      } catch (error) {
        const isOther = !(error instanceof AgentError) || error.code !== 'daemon-absent'
        if (isOther || error.message.includes(absence) || attempt === attempts) throw error
        await sleep(clock, pauseMs, signal)
      }
    }
  }
  const askOnce = async (command: string, signal?: AbortSignal, timeoutMs = 10_000): Promise<string> => {
    const env = { CUDA_MPS_PIPE_DIRECTORY: pipeDirectory, CUDA_VISIBLE_DEVICES: undefined }
    const { status, stdout, stderr } = await programs.run(
      program,
      [],
      { env, input: `${command}\n`, timeoutMs },
      signal,
    )
    if (status === 0) return stdout.trim()
    const said = `${stdout}\n${stderr}`.trim().replaceAll(/\s*\n\s*/g, ' ')
    throw new AgentError(
      'daemon-absent',
      `no MPS control daemon answers at ${pipeDirectory}: ${said || `status ${status}`}`,
    )
  }
  return {
    async servers(signal) {
      const servers: MpsServer[] = []
      for (const pid of parseServerList(await ask('get_server_list', signal))) {
        const status = parseServerStatus(pid, await ask(`get_server_status ${pid}`, signal))
        if (status !== 'gone') servers.push({ pid, status })
      }
      return servers
    },
    clients: async signal => parseClients(await ask('ps', signal)),
    async terminate({ server, pid }, signal) {
      const answer = await ask(`terminate_client ${server} ${pid}`, signal)
      return answer.split('\n').at(-1)?.trim() === '0'
    },
    async quit(signal) {
      await ask('quit', signal, 3000)
    },
  }
}

export function parseServerList(answer: string): readonly number[] {
  return lines(answer).map(line => {
    if (/^\d+$/.test(line)) return Number(line)
    throw unreadable('get_server_list', answer, 'PIDs, one a line')
  })
}

/** A server may end between two questions. */
export function parseServerStatus(pid: number, answer: string): ServerStatus | 'gone' {
  if (answer === 'ACTIVE' || answer === 'FAULT' || answer === 'INITIALIZING') return answer
  if (answer === `Server ${pid} not found`) return 'gone'
  throw unreadable('get_server_status', answer, 'INITIALIZING, ACTIVE or FAULT')
}

export function parseClients(answer: string): readonly MpsClient[] {
  const [header, ...rows] = lines(answer)
  if (header === undefined || /^Server( \d+)? not found$/.test(header)) return []
  const columns = header.split(/\s+/)
  const [pid, server, command] = ['PID', 'SERVER', 'COMMAND'].map(name => columns.indexOf(name))
  if (pid !== 0 || server === -1 || command !== columns.length - 1)
    throw unreadable('ps', answer, 'a table with the columns PID, SERVER and COMMAND')
  return rows.map(row => {
    const cells = row.split(/\s+/)
    const client = {
      pid: Number(cells[0]),
      server: Number(cells[server!]),
      command: cells.slice(command!).join(' '),
    }
    if (Number.isInteger(client.pid) && Number.isInteger(client.server)) return client
    throw unreadable('ps', answer, 'numbers as PID and SERVER')
  })
}

const lines = (text: string): readonly string[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '')

const unreadable = (command: string, answer: string, accepted: string): AgentError =>
  new AgentError(
    'answer-unreadable',
    `nvidia-cuda-mps-control answered ${JSON.stringify(answer.slice(0, 200))} to ${command}; accepted: ${accepted}`,
  )
