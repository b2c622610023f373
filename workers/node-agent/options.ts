/** What the node agent is told. The command line's record (operator/config) has this shape. */
export interface NodeAgentOptions {
  /** A kubeconfig file; undefined: $KUBECONFIG, ~/.kube/config, or the pod's service account. */
  readonly kubeconfig: string | undefined
  readonly nodeName: string
  readonly allocation: 'device-plugin' | 'node-status'
  readonly devicePluginFolder: string
  /** Same path here and on the node; each GPU has a folder of its uuid in it. */
  readonly mpsFolder: string
  readonly shmFolder: string | undefined
  readonly exclusiveMode: boolean
  readonly besideOtherPlugins: boolean
  readonly oldestDriver: number
  readonly measureCurve: boolean
  readonly curveModel: string | undefined
  readonly curveFolder: string
  readonly nvidiaSmi: string
  readonly mpsControl: string
  readonly intervalSeconds: number
  readonly http: { readonly host?: string; readonly port: number }
  readonly logLevel: string
}
