/**
 * Stand-ins of the NVIDIA driver's two programs, for machines without a GPU: small shell scripts that keep their state in a folder and answer
 * as `nvidia-smi` and `nvidia-cuda-mps-control` of driver 580.159.04 did on an NVIDIA H100 80GB HBM3, word for word.
 *
 * Clients are files that a test puts beside a daemon's pipes. As there: a daemon's end takes its server and clients along; a server in FAULT
 * is ACTIVE again once its clients have gone; the status is 0 whatever the command, and 1 where no daemon runs.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface StandInGpu {
  readonly index: number
  readonly uuid: string
  readonly model?: string
  /** As nvidia-smi writes it. */
  readonly memory?: string
  readonly driver?: string
  readonly mig?: string
  readonly computeCapability?: string
}

export const standInUuid = 'GPU-2417f491-2523-4903-39b8-67b5cf1f4193'

const nvidiaSmi = `#!/bin/sh
# Stand-in of nvidia-smi; state in the folder beside it.
state=$(dirname "$0")/state
if [ -e "$state/broken" ]; then cat "$state/broken"; exit 9; fi
case "$1" in
  --query-gpu=*)
    fields=\${1#--query-gpu=}
    if [ -e "$state/unknown-field" ] && [ "$fields" != "\${fields%$(cat "$state/unknown-field")*}" ]; then
      printf 'Field "%s" is not a valid field to query.\\n\\n' "$(cat "$state/unknown-field")"; exit 2
    fi
    echo "$fields" | sed -e 's/,/, /g' -e 's/memory.total/memory.total [MiB]/' -e 's/memory.used/memory.used [MiB]/'
    while IFS='|' read -r index uuid name total driver mig cap; do
      mode=$(cat "$state/mode-$uuid" 2>/dev/null || echo Default)
      row=
      for field in $(echo "$fields" | tr , ' '); do
        case $field in
          index) value=$index ;; uuid) value=$uuid ;; name) value=$name ;; memory.total) value=$total ;;
          memory.used) value='0 MiB' ;; compute_mode) value=$mode ;; driver_version) value=$driver ;;
          mig.mode.current) value=$mig ;; compute_cap) value=$cap ;;
        esac
        row="$row\${row:+, }$value"
      done
      echo "$row"
    done < "$state/gpus" ;;
  --query-compute-apps=*)
    echo 'gpu_uuid, pid, used_gpu_memory [MiB]'
    cat "$state/apps" 2>/dev/null ;;
  -i)
    case "$4" in EXCLUSIVE_PROCESS) mode=Exclusive_Process ;; *) mode=Default ;; esac
    echo "$mode" > "$state/mode-$2"
    printf 'Set compute mode to %s for GPU 00000000:00:00.0.\\nAll done.\\n' "$4" ;;
esac
exit 0
`

const mpsControl = `#!/bin/sh
# Stand-in of nvidia-cuda-mps-control; a daemon's state is beside its pipes.
pipe=$CUDA_MPS_PIPE_DIRECTORY
own=$pipe/stand-in
note=$pipe/nvidia-cuda-mps-control.pid
alive() { [ -e "$note" ] && kill -0 "$(cat "$note")" 2>/dev/null; }
if [ "$1" = -f ]; then
  if alive; then echo 'An instance of this daemon is already running'; exit 1; fi
  refusal=$(dirname "$0")/state/refuse-$CUDA_VISIBLE_DEVICES
  if [ -e "$refusal" ]; then cat "$refusal"; exit 1; fi
  rm -rf "$own"; mkdir -p "$own/clients"
  end() { kill "$pause" 2>/dev/null; rm -rf "$own" "$note"; exit 0; }
  trap end TERM INT
  echo $$ > "$note"
  echo "$*|$CUDA_VISIBLE_DEVICES" > "$own/started"
  echo "[2026-11-25 14:25:29.131 Control   605] Starting control daemon using socket $pipe/control"
  while :; do sleep 5 & pause=$!; wait $pause; done
fi
read -r command a b
if ! alive; then echo 'Cannot find MPS control daemon process'; exit 1; fi
# The server comes with the first client and stays.
[ -n "$(ls "$own/clients")" ] && echo 483 > "$own/server"
if [ -e "$own/fault" ] && [ -z "$(ls "$own/clients")" ] && [ ! -e "$own/stuck" ]; then rm "$own/fault"; fi
server=$(cat "$own/server" 2>/dev/null)
case $command in
  get_server_list) [ -n "$server" ] && echo "$server" ;;
  get_server_status)
    if [ "$a" != "$server" ]; then echo "Server $a not found"
    elif [ -e "$own/fault" ]; then echo FAULT
    else echo ACTIVE; fi ;;
  ps)
    if [ -z "$server" ]; then echo 'Server not found'
    elif [ -n "$(ls "$own/clients")" ]; then
      echo 'PID       ID        SERVER         DEVICE                    NAMESPACE      COMMAND        '
      for client in $(ls "$own/clients"); do
        printf '%-9s %-9s %-14s %-25s %-14s %-15s\\n' "$client" 1 "$server" GPU-54a7547d-219f-80b7 4026531836 python3
      done
    fi ;;
  terminate_client)
    if [ -e "$own/clients/$b" ]; then rm "$own/clients/$b"; echo 0
    else printf 'Invalid process %s!\\n1\\n' "$b"; fi ;;
  quit) kill "$(cat "$note")" ;;
  *) echo "Unknown command \\"$command\\"" ;;
esac
exit 0
`

export class DriverStandIns {
  readonly folder: string
  readonly nvidiaSmi: string
  readonly mpsControl: string
  /** Give this to the agent; each GPU's pipes are in a folder of it. */
  readonly mpsFolder: string

  constructor(gpus: readonly StandInGpu[] = [{ index: 0, uuid: standInUuid }]) {
    this.folder = mkdtempSync(join(tmpdir(), 'ekya-driver-'))
    this.nvidiaSmi = join(this.folder, 'nvidia-smi')
    this.mpsControl = join(this.folder, 'nvidia-cuda-mps-control')
    this.mpsFolder = join(this.folder, 'mps')
    mkdirSync(join(this.folder, 'state'))
    writeFileSync(this.nvidiaSmi, nvidiaSmi, { mode: 0o755 })
    writeFileSync(this.mpsControl, mpsControl, { mode: 0o755 })
    this.setGpus(gpus)
  }

  setGpus(gpus: readonly StandInGpu[]): void {
    this.setState(
      'gpus',
      gpus
        .map(({ index, uuid, model, memory, driver, mig, computeCapability }) =>
          [
            index,
            uuid,
            model ?? 'NVIDIA H100 80GB HBM3',
            memory ?? '81559 MiB',
            driver ?? '580.159.04',
            mig ?? 'Disabled',
            computeCapability ?? '9.0',
          ].join('|'),
        )
        .map(line => `${line}\n`)
        .join(''),
    )
  }

  /** undefined takes it away. Names: `broken`, `unknown-field`, `apps`, `refuse-<uuid>`. */
  setState(name: string, text: string | undefined): void {
    const file = join(this.folder, 'state', name)
    if (text === undefined) rmSync(file, { force: true })
    else writeFileSync(file, text)
  }

  computeMode(uuid: string): string {
    const file = join(this.folder, 'state', `mode-${uuid}`)
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'Default'
  }

  pipeDirectory(uuid: string): string {
    return join(this.mpsFolder, uuid)
  }

  /** Arguments and GPU that the running daemon was started with. */
  startedWith(uuid: string): string {
    return readFileSync(join(this.#own(uuid), 'started'), 'utf8').trim()
  }

  daemonPid(uuid: string): number {
    return Number(readFileSync(join(this.pipeDirectory(uuid), 'nvidia-cuda-mps-control.pid'), 'utf8'))
  }

  connect(uuid: string, pid: number): void {
    writeFileSync(join(this.#own(uuid), 'clients', String(pid)), '')
  }

  disconnect(uuid: string, pid: number): void {
    rmSync(join(this.#own(uuid), 'clients', String(pid)), { force: true })
  }

  clients(uuid: string): readonly number[] {
    return readdirSync(join(this.#own(uuid), 'clients')).map(Number)
  }

  /** @param stuck it stays in FAULT although all clients have gone */
  fault(uuid: string, { stuck = false }: { stuck?: boolean } = {}): void {
    writeFileSync(join(this.#own(uuid), 'fault'), '')
    if (stuck) writeFileSync(join(this.#own(uuid), 'stuck'), '')
  }

  /** Daemons that still run are killed. */
  remove(): void {
    for (const uuid of existsSync(this.mpsFolder) ? readdirSync(this.mpsFolder) : []) {
      try {
        process.kill(this.daemonPid(uuid), 'SIGTERM')
      } catch {
        // None runs.
      }
    }
    rmSync(this.folder, { recursive: true, force: true })
  }

  #own(uuid: string): string {
    return join(this.pipeDirectory(uuid), 'stand-in')
  }
}
