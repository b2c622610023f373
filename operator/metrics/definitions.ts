/**
 * Every metric of the operator: the single source of the registry and of docs/metrics.md.
 *
 * Names are stable once released. Base units; `_ratio` lies in [0, 1] unless the help says otherwise. Label values are
 * bounded: names of resources that exist (their series go with them), or one of the values that the help lists.
 */

export interface MetricDefinition {
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
  readonly buckets?: readonly number[]
}

const fast = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const slow = [1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600, 1800, 3600]
const stream = ['namespace', 'stream'] as const
const window = ['namespace', 'retraining_window'] as const

export const definitions = {
  ekya_stream_accuracy_ratio: {
    type: 'gauge',
    help: 'Accuracy of a stream over a whole window. kind: measured (last closed window, what was served against the golden labels) | predicted (the window that runs)',
    labels: [...stream, 'kind'],
  },
  ekya_stream_accuracy_floor_ratio: {
    type: 'gauge',
    help: 'Accuracy that the stream is not to fall below (minAccuracy); 0 where none is asked for',
    labels: stream,
  },
  ekya_stream_gpu_share_ratio: {
    type: 'gauge',
    help: 'Share of one GPU that a pod of the stream holds. role: inference | profile | training',
    labels: [...stream, 'role', 'node', 'gpu'],
  },
  ekya_gpu_share_allocated_ratio: {
    type: 'gauge',
    help: 'Sum of the shares held on a GPU; never above 1',
    labels: ['node', 'gpu'],
  },
  ekya_gpu_fault: {
    type: 'gauge',
    help: '1 while MPS does not serve on a GPU of a site, so that all its clients have to go; else 0',
    labels: ['node', 'gpu'],
  },
  ekya_frames_total: {
    type: 'counter',
    help: 'Frames offered to inference, as its pods report. result: analysed | skipped (left out by the inference configuration) | dropped (the share did not suffice)',
    labels: [...stream, 'result'],
  },
  ekya_inference_latency_seconds: {
    type: 'gauge',
    help: 'Time from a frame being due to its result, as the inference pod reports. percentile: 50 | 95',
    labels: [...stream, 'percentile'],
  },
  ekya_window_phase: {
    type: 'gauge',
    help: '1 for the phase that a RetrainingWindow is in, 0 for the others',
    labels: [...window, 'phase'],
  },
  ekya_window_end_timestamp_seconds: {
    type: 'gauge',
    help: 'When the window that runs ends, in seconds since 1970; absent while none runs',
    labels: window,
  },
  ekya_windows_total: {
    type: 'counter',
    help: 'Windows that this replica saw end. result: planned | missed (ended before there was a plan for it, or passed while no operator worked)',
    labels: [...window, 'result'],
  },
  ekya_window_accuracy_ratio: {
    type: 'gauge',
    help: 'Mean accuracy over the streams of the last measured window, by their weights. kind: realised | without_retraining (of the models first deployed)',
    labels: [...window, 'kind'],
  },
  ekya_window_accuracy_falling_windows: {
    type: 'gauge',
    help: 'Number of windows in a row, up to the last measured one, whose realised accuracy was below that of the window before',
    labels: window,
  },
  ekya_window_accuracy_gain_ratio: {
    type: 'gauge',
    help: 'Realised mean accuracy of the last closed window less that of the models first deployed; in [-1, 1]',
    labels: window,
  },
  ekya_profile_error_ratio: {
    type: 'gauge',
    help: 'Mean absolute difference of predicted and realised accuracy over the streams of the last closed window',
    labels: window,
  },
  ekya_schedule_duration_seconds: {
    type: 'histogram',
    help: 'Time that a policy took to make a plan. policy: the name of a registered policy',
    labels: ['policy'],
    buckets: fast,
  },
  ekya_retraining_duration_seconds: {
    type: 'histogram',
    help: 'Time that a training pod ran. result: accepted | rejected (by the gate) | failed | unfinished',
    labels: ['result'],
    buckets: slow,
  },
  ekya_resize_duration_seconds: {
    type: 'histogram',
    help: 'Time from asking for a share to the node reporting it; where a new pod brings it, from making that pod to its taking over',
    labels: ['backend'],
    buckets: fast,
  },
  ekya_resizes_total: {
    type: 'counter',
    help: 'Changes of a share that were asked for. result: done | gone (the pod does not exist) | failed (refused, or the new pod could not take over)',
    labels: ['backend', 'result'],
  },
  ekya_resizes_pending: {
    type: 'gauge',
    help: 'Pods of the site whose node does not hold the share that was asked for',
    labels: window,
  },
  ekya_reconcile_total: {
    type: 'counter',
    help: 'Reconciliations. result: success | requeue | conflict | error | terminal_error',
    labels: ['controller', 'result'],
  },
  ekya_reconcile_duration_seconds: {
    type: 'histogram',
    help: 'Time that a reconciliation took',
    labels: ['controller'],
    buckets: fast,
  },
  ekya_workqueue_depth: { type: 'gauge', help: 'Keys that wait to be reconciled', labels: ['name'] },
  ekya_workqueue_adds_total: { type: 'counter', help: 'Keys added to the queue', labels: ['name'] },
  ekya_workqueue_retries_total: {
    type: 'counter',
    help: 'Keys added again after a failure',
    labels: ['name'],
  },
  ekya_workqueue_queue_duration_seconds: {
    type: 'histogram',
    help: 'Time that a key waited in the queue',
    labels: ['name'],
    buckets: fast,
  },
  ekya_workqueue_work_duration_seconds: {
    type: 'histogram',
    help: 'Time that a key was worked on',
    labels: ['name'],
    buckets: fast,
  },
  ekya_workqueue_unfinished_work_seconds: {
    type: 'gauge',
    help: 'Sum of the times that the keys in work have been worked on; grows when a worker is stuck',
    labels: ['name'],
  },
  ekya_kube_requests_total: {
    type: 'counter',
    help: 'Calls to the Kubernetes API. status: HTTP status, or error where there was no answer',
    labels: ['verb', 'status'],
  },
  ekya_watch_silent_seconds: {
    type: 'gauge',
    help: 'Time since the API server last said anything of a resource, by a list, an event or a bookmark, of which one comes about every minute. resource: its plural',
    labels: ['resource'],
  },
  ekya_watch_lists_total: {
    type: 'counter',
    help: 'Whole lists of a resource that were read. resource: its plural. reason: start | status-410 or in-band-410 (the API server no longer knows what the watch had come to) | silence (two watches in a row said nothing)',
    labels: ['resource', 'reason'],
  },
  ekya_leader_election_silent_seconds: {
    type: 'gauge',
    help: 'Time since the API server last answered to leader election, which asks every 2 s; 0 without leader election',
    labels: [],
  },
  ekya_leader: { type: 'gauge', help: '1 while this replica leads', labels: [] },
  ekya_build_info: { type: 'gauge', help: 'Always 1', labels: ['version', 'node_version'] },
} as const satisfies Readonly<Record<string, MetricDefinition>>

export type MetricName = keyof typeof definitions
