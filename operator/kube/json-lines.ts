/**
 * Splits a byte stream into lines and parses each as JSON.
 *
 * Lines are cut on bytes, so that a character split between two chunks stays whole. A stream that ends in the middle
 * of a line, or a line that is not JSON, throws: half an event must not pass for the end of the stream.
 */
import { KubeError } from './errors.ts'

export type JsonLine = unknown

const newline = 0x0a
/** etcd refuses objects above 1.5 MiB; whatever is much longer is no event. */
const longestLineBytes = 32 * 2 ** 20

/** `onBytes` is called for each chunk that arrives. */
export async function* readJsonLines(
  stream: AsyncIterable<Uint8Array>,
  onBytes?: () => void,
): AsyncGenerator<JsonLine> {
  let pieces: Uint8Array[] = []
  let size = 0
  for await (const chunk of stream) {
    onBytes?.()
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      pieces.push(chunk.subarray(start, end))
      const line = Buffer.concat(pieces).toString('utf8')
      pieces = []
      size = 0
      start = end + 1
      if (line.trim() !== '') yield parse(line)
    }
    if (start < chunk.length) {
      pieces.push(chunk.subarray(start))
      size += chunk.length - start
      if (size > longestLineBytes) throw broken(`a line is longer than ${longestLineBytes} bytes`)
    }
  }
  if (size > 0 && Buffer.concat(pieces).toString('utf8').trim() !== '') {
    throw broken(`it ended ${size} bytes into a line`)
  }
}

function parse(line: string): JsonLine {
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw broken('a line is not JSON', cause)
  }
}

const broken = (what: string, cause?: unknown) =>
  new KubeError(`stream of JSON lines: ${what}`, { code: 'bad-response', retryable: true, cause })
