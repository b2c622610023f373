/** What the project relies on of a real node: containers from images of our own, in-place resize, probes, logs, and a clean end. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { ensureBinaries } from '../control-plane/binaries.ts'
import { condition, isReady, main } from '../process-node/testing/node-fixture.ts'
import { useApiServer, waitFor } from '../testing/api-server.ts'
import { shell } from './scratch-image.ts'
import { useRealNode } from './testing/node-fixture.ts'

const image = 'ekya.dev/test-shell:1'
const amount = (cpu: string) => ({ requests: { cpu }, limits: { cpu } })

describe('a real node', function () {
  this.timeout(120_000)
  const api = useApiServer()
  const fixture = useRealNode(api, { labels: { 'ekya.dev/test': 'yes' } })

  before(() => fixture.node().importScratchImage(shell(image)))

  const kubectl = async (...args: string[]): Promise<string> => {
    const { kubectl } = await ensureBinaries()
    const access = ['--kubeconfig', api.kubeconfig(), '--namespace', api.namespace()]
    return execFileSync(kubectl, [...access, ...args], { encoding: 'utf8' })
  }

  it('has the labels it was given and the version of the control plane', async () => {
    const node = await api.client().get<{
      metadata: { labels: Record<string, string> }
      status: { nodeInfo: { kubeletVersion: string; containerRuntimeVersion: string } }
    }>(`/api/v1/nodes/${fixture.node().name}`)
    const { gitVersion } = await api.client().get<{ gitVersion: string }>('/version')
    expect(node.metadata.labels['ekya.dev/test']).to.equal('yes')
    expect(node.status.nodeInfo.kubeletVersion).to.equal(gitVersion)
    expect(node.status.nodeInfo.containerRuntimeVersion).to.match(/^containerd:/)
  })

  it('runs a container of an image from scratch, as the user and with the file system it asks for', async () => {
    await fixture.create('once', {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'main',
          image,
          command: [
            'sh',
            '-c',
            'id -u; ls /; echo gone > /x || echo read-only; echo done > /dev/termination-log',
          ],
          ...{ securityContext: { runAsUser: 65532, runAsNonRoot: true, readOnlyRootFilesystem: true } },
        },
      ],
    })
    const pod = await fixture.until('once', 'to end', found => found.status?.phase === 'Succeeded')
    expect(main(pod)?.state?.terminated?.message).to.equal('done\n')
    const log = await fixture.logs('once')
    expect(log).to.contain('65532').and.to.contain('read-only')
    expect(log).to.not.match(/\bhome\b/)
  })

  it('serves: its address is reachable from here, logs and exec work, a resize keeps the container', async () => {
    await fixture.create('server', {
      containers: [
        {
          name: 'main',
          image,
          command: ['sh', '-c', 'echo hello > /tmp/index.html; echo serving; exec httpd -f -p 8080 -h /tmp'],
          readinessProbe: { httpGet: { path: '/index.html', port: 8080 }, periodSeconds: 1 },
          resources: amount('200m'),
        },
      ],
    })
    const before = await fixture.until('server', 'ready', isReady)
    const answer = await fetch(`http://${before.status?.podIP}:8080/index.html`)
    expect(await answer.text()).to.equal('hello\n')
    expect(await kubectl('logs', 'server')).to.equal('serving\n')
    expect(await kubectl('exec', 'server', '--', 'cat', '/tmp/index.html')).to.equal('hello\n')

    const id = main(before)!.containerID!
    expect(fixture.quota(before.metadata.uid, id)).to.equal(0.2)
    await kubectl(
      ...['patch', 'pod', 'server', '--subresource', 'resize', '--type', 'strategic', '--patch'],
      JSON.stringify({ spec: { containers: [{ name: 'main', resources: amount('800m') }] } }),
    )
    await waitFor(() => fixture.quota(before.metadata.uid, id) === 0.8, {
      deadlineMs: 20_000,
      describe: 'the quota of 0.8 cores',
    })
    const after = await fixture.until(
      'server',
      'resized',
      found => main(found)?.resources?.limits?.cpu === '800m' && !condition(found, 'PodResizeInProgress'),
    )
    expect(main(after)).to.include({ restartCount: 0, containerID: id })
  })

  it('runs a command in a container, which gets no more cpu time than its limit', async () => {
    await fixture.create('busy', {
      containers: [
        { name: 'main', image, command: ['sh', '-c', 'exec sleep 1000'], resources: amount('100m') },
      ],
    })
    const pod = await fixture.until('busy', 'running', found => main(found)?.state?.running !== undefined)
    const id = main(pod)!.containerID!
    expect(await fixture.node().exec(id, ['echo', 'hello'])).to.equal('hello\n')
    const use = () => fixture.cpuUse(pod.metadata.uid, id)
    const loop = fixture.node().exec(id, ['busybox', 'timeout', '30', 'sh', '-c', 'while :; do :; done'])
    const ended = loop.catch(() => {})
    const before = use()
    // Of a second in so many periods of a tenth, or in more where the machine has less to give.
    await waitFor(() => use().throttled - before.throttled >= 20, {
      deadlineMs: 25_000,
      describe: 'the limit to be used up 20 times',
    })
    const after = use()
    expect((after.seconds - before.seconds) / (after.periods - before.periods)).to.be.within(0.008, 0.012)
    await fixture.delete('busy')
    await ended
  })

  it('lets pods reach the API server through its Service', async () => {
    await fixture.create('caller', {
      restartPolicy: 'Never',
      containers: [
        {
          name: 'main',
          image,
          // The API server speaks TLS only and says so to whoever does not.
          command: [
            'sh',
            '-c',
            'wget -O - http://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/ 2>&1; true',
          ],
        },
      ],
    })
    await fixture.until('caller', 'to end', found => found.status?.phase === 'Succeeded')
    expect(await fixture.logs('caller')).to.contain('400 Bad Request')
  })

  it('restarts kubelet alone: containers go on', async () => {
    const before = main(await fixture.until('server', 'ready', isReady))
    await fixture.node().restartKubelet()
    const after = main(await fixture.until('server', 'ready again', isReady))
    expect(after).to.include({ restartCount: 0, containerID: before?.containerID })
    expect(existsSync(join(fixture.node().kubeletFolder, 'device-plugins/kubelet.sock'))).to.equal(true)
  })

  it('puts its pods before other work of the machine', async () => {
    fixture.preferPods()
    await fixture.create('preferred', {
      containers: [
        { name: 'main', image, command: ['sh', '-c', 'exec sleep 1000'], resources: amount('500m') },
      ],
    })
    const pod = await fixture.until(
      'preferred',
      'running',
      found => main(found)?.state?.running !== undefined,
    )
    const id = main(pod)!.containerID!
    const use = () => fixture.cpuUse(pod.metadata.uid, id)
    const loop = ['timeout', '30', 'sh', '-c', 'while :; do :; done']
    const ended = fixture
      .node()
      .exec(id, ['busybox', ...loop])
      .catch(() => {})
    await waitFor(() => use().throttled > 3, { deadlineMs: 25_000, describe: 'the limit to be used up' })
    const others = Array.from({ length: 4 * availableParallelism() }, () => spawn(loop[0]!, loop.slice(1)))
    try {
      const before = use()
      const after = await waitFor(
        () => {
          const now = use()
          return now.atMs - before.atMs >= 2000 ? now : undefined
        },
        { deadlineMs: 15_000, describe: 'two seconds to pass' },
      )
      expect((after.seconds - before.seconds) / ((after.atMs - before.atMs) / 1000)).to.be.within(0.45, 0.55)
    } finally {
      for (const other of others) other.kill()
    }
    await fixture.delete('preferred')
    await ended
  })
})

describe('a real node whose process is killed', function () {
  this.timeout(120_000)
  const api = useApiServer()
  const fixture = useRealNode(api)
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'ekya-node-'))
  })
  after(() => rmSync(directory, { recursive: true, force: true }))

  /** All that is on this machine because of nodes. */
  const traces = () => ({
    interfaces: Object.keys(networkInterfaces()).filter(name => /^ekya\d/.test(name)),
    cgroups: readdirSync('/sys/fs/cgroup').flatMap(name => {
      const folder = join('/sys/fs/cgroup', name)
      const inside = name.startsWith('ekya-node')
        ? [name]
        : namesIn(folder).filter(is => is.startsWith('ekya-node'))
      return inside.map(found => join(folder, found))
    }),
    processes: readdirSync('/proc').filter(
      pid => /^\d+$/.test(pid) && read(`/proc/${pid}/cmdline`).includes(directory),
    ),
    mounts: read('/proc/self/mountinfo')
      .split('\n')
      .filter(line => line.includes(directory)),
    packetFilter: execFileSync('iptables-save', { encoding: 'utf8' }).includes('KUBE-'),
    files: namesIn(directory),
  })

  it('leaves nothing behind, and the other node of the machine alone', async () => {
    const before = traces()
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('main.ts', import.meta.url)),
        '--kubeconfig',
        api.kubeconfig(),
        '--name',
        'killed',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, TMPDIR: directory } },
    )
    await once(createInterface({ input: child.stdout! }), 'line')
    expect(traces().processes).to.have.length.above(2)
    expect(traces().interfaces).to.have.length(before.interfaces.length + 1)
    child.kill('SIGKILL')
    await once(child, 'exit')
    await waitFor(() => JSON.stringify(traces()) === JSON.stringify(before), {
      deadlineMs: 60_000,
      describe: () => `${JSON.stringify(traces())} to be ${JSON.stringify(before)}`,
    })
    expect(before.interfaces).to.have.length.above(0)
    await fixture.node().run(['true'])
  })
})

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
