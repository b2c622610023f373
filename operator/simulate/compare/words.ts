/** Numbers of things, in words for people. */

/** `1 GPU`, `2 GPUs`. */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

/** `10 streams on 4 GPUs`. */
export const onSite = ({ streams, gpus }: { readonly streams: number; readonly gpus: number }): string =>
  `${counted(streams, 'stream')} on ${counted(gpus, 'GPU')}`
