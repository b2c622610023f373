/** The configuration files of containerd, CNI, kubelet and kube-proxy, as text; JSON is YAML as well. */

export const pauseImage = 'ekya.dev/pause:1'

export interface Places {
  /** The node's folder. */
  readonly directory: string
  readonly containerdSocket: string
  readonly cniFolder: string
}

export function containerdToml(
  { directory, containerdSocket, cniFolder }: Places,
  snapshotter: string,
): string {
  return `version = 2
root = "${directory}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Without the right to lower it (CAP_SYS_RESOURCE) a pod would not start.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${cniFolder}"
`
}

export function cniConfiguration(pods: string): object {
  return {
    cniVersion: '1.0.0',
    name: 'ekya',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        hairpinMode: true,
        ipam: { type: 'host-local', ranges: [[{ subnet: pods }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  }
}

export interface KubeletSettings {
  readonly address: string
  readonly cgroupRoot: string
  readonly containerdSocket: string
  readonly pods: string
  readonly maximumPods: number
  /** Address of the server that knows Services by name. */
  readonly clusterDns: string
}

export function kubeletConfiguration(settings: KubeletSettings): object {
  const { address, cgroupRoot, containerdSocket, pods, maximumPods, clusterDns } = settings
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address,
    // The throw-away API server has no certificate for kubelets; the address is reachable from this machine and its pods alone.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    readOnlyPort: 0,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    localStorageCapacityIsolation: false,
    podCIDR: pods,
    clusterDNS: [clusterDns],
    clusterDomain: 'cluster.local',
    maxPods: maximumPods,
    // A full disk of the machine is not the node's, and images come from archives: none may be thrown away.
    evictionHard: {
      'memory.available': '0%',
      'nodefs.available': '0%',
      'nodefs.inodesFree': '0%',
      'imagefs.available': '0%',
      'imagefs.inodesFree': '0%',
    },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    nodeStatusUpdateFrequency: '5s',
    syncFrequency: '10s',
  }
}

export function kubeProxyConfiguration(name: string, kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig },
    hostnameOverride: name,
    mode: 'iptables',
    detectLocalMode: 'BridgeInterface',
    detectLocal: { bridgeInterface: 'cni0' },
    // The machine's limits of tracked connections may be set in its own network only.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  }
}

/**
 * Access as another user of the same cluster: the administrator impersonates, so that what the node may do is decided by the rules for
 * nodes, whatever cluster it joins.
 */
export function impersonatingKubeconfig(
  original: Record<string, unknown>,
  {
    server,
    tlsServerName,
    user,
    groups,
  }: { server: string; tlsServerName: string; user: string; groups: string[] },
): object {
  const clusters = original.clusters as { name: string; cluster: object }[]
  const users = original.users as { name: string; user: object }[]
  const contexts = original.contexts as { name: string; context: { cluster: string; user: string } }[]
  const context = contexts.find(({ name }) => name === original['current-context'])?.context
  const cluster = clusters.find(({ name }) => name === context?.cluster)?.cluster
  const access = users.find(({ name }) => name === context?.user)?.user
  if (!context || !cluster || !access)
    throw new Error('The kubeconfig has no current context with cluster and user')
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'node',
    clusters: [{ name: 'node', cluster: { ...cluster, server, 'tls-server-name': tlsServerName } }],
    users: [
      { name: 'node', user: { ...access, as: user, ...(groups.length > 0 ? { 'as-groups': groups } : {}) } },
    ],
    contexts: [{ name: 'node', context: { cluster: 'node', user: 'node' } }],
  }
}
