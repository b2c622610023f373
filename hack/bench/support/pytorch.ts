/**
 * PyTorch beside us: a Python process that trains when asked, of an interpreter that has PyTorch, or of a virtual environment in the cache
 * folder, made on first use by the ordinary pip.
 *
 * The package index's build for x86-64 needs NVIDIA's libraries to be loaded at all, so these come along (about 6 GB; 0.5 GB elsewhere).
 */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cacheDirectory } from '../../control-plane/binaries.ts'

const version = '2.15.0'
const script = fileURLToPath(new URL('pytorch_training.py', import.meta.url))

export interface PyTorchRequest {
  readonly network: string
  readonly trainable: 'all' | 'head'
  readonly batch: number
  readonly side: number
  readonly classes: number
  readonly threads: number
  readonly steps: number
}

export interface PyTorch {
  readonly version: string
  train(request: PyTorchRequest): Promise<{ readonly seconds: number; readonly cpuSeconds: number }>
  close(): void
}

/**
 * @param python an interpreter that has PyTorch; absent: one of our own is made
 * @throws Error where no PyTorch can be had here; its message says why
 */
export async function startPyTorch(python?: string): Promise<PyTorch> {
  const interpreter = python === undefined ? install() : withPyTorch(python)
  const child = spawn(interpreter, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { done, value } = await lines.next()
    if (done === true) throw new Error('PyTorch ended without an answer')
    return JSON.parse(value)
  }
  const { version } = await answer()
  return {
    version,
    async train(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      return await answer()
    },
    close: () => child.stdin.end(),
  }
}

function withPyTorch(python: string): string {
  try {
    execFileSync(python, ['-c', 'import torch'], { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (cause) {
    const { message, stderr } = cause as Error & { stderr?: Buffer }
    const why = stderr?.toString().trim().split('\n').at(-1) || message
    throw new Error(`${python} has no PyTorch (${why}); accepted: a Python that can import torch`, { cause })
  }
  return python
}

/** @returns the interpreter of an environment of our own. */
function install(): string {
  const folder = join(cacheDirectory(), `pytorch-${version}`)
  const python = join(folder, 'bin', 'python')
  if (existsSync(join(folder, 'complete'))) return python
  rmSync(folder, { recursive: true, force: true })
  process.stderr.write(`installing PyTorch ${version} into ${folder}\n`)
  const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 2, 2] })
  try {
    run('python3', '-m', 'venv', folder)
    run(python, '-m', 'pip', 'install', '--quiet', '--no-cache-dir', `torch==${version}`, 'numpy')
    run(python, '-c', `import torch; open(${JSON.stringify(join(folder, 'complete'))}, "w").close()`)
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true })
    throw new Error('PyTorch cannot be installed here', { cause })
  }
  return python
}
