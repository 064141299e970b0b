import { pipeline, Readable } from 'node:stream'
import { createZstdDecompress } from 'node:zlib'

/*
 * RFC 8878. A frame: magic number, header, blocks, a checksum where the header says so.
 * A skippable frame: magic number, length, as many bytes.
 */
const SKIPPABLE_MAGIC = 0x184d2a50
const DICTIONARY_BYTES = [0, 1, 2, 4]
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const BLOCK_HEADER_BYTES = 3
const CHECKSUM_BYTES = 4

/**
 * Decompresses a file of many frames, as anything writes that appends to one. Node's stream gives the first frame of a chunk and drops
 * what follows it in silence, so each chunk is cut where a frame ends.
 */
export async function* unzstd(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = createZstdDecompress()
  // Whatever fails, the source or the decoder, is what the reading below throws.
  pipeline(Readable.from(cutAtFrames(chunks)), decoder, () => undefined)
  yield* decoder
}

async function* cutAtFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const frames = new FrameEnds()
  for await (const chunk of chunks) {
    let from = 0
    for (const end of frames.within(chunk)) {
      yield chunk.subarray(from, end)
      from = end
    }
    if (from < chunk.length) yield chunk.subarray(from)
  }
}

type Step = 'magic' | 'length' | 'descriptor' | 'rest' | 'block' | 'content' | 'checksum'

/** Walks the bytes of a file from frame to frame. */
class FrameEnds {
  #step: Step = 'magic'
  /** Bytes of the step that are still to come. */
  #left = 4
  /** The step's bytes so far, read little-endian. */
  #value = 0
  #read = 0
  #checksum = false
  #last = false

  /** Where in the next chunk frames end. */
  within(chunk: Buffer): number[] {
    const ends: number[] = []
    for (let at = 0; at < chunk.length; ) {
      if (this.#step === 'content' || this.#step === 'rest') {
        const taken = Math.min(this.#left, chunk.length - at)
        at += taken
        this.#left -= taken
      } else {
        this.#value += chunk[at++]! * 256 ** this.#read++
        this.#left--
      }
      while (this.#left === 0) if (this.#next()) ends.push(at)
    }
    return ends
  }

  /** A step is complete. @returns whether it was the last of a frame. */
  #next(): boolean {
    const value = this.#value
    switch (this.#step) {
      case 'magic':
        // What is no frame at all is for the decoder to refuse.
        return isSkippable(value) ? this.#go('length', 4) : this.#go('descriptor', 1)
      case 'length':
        this.#last = true
        this.#checksum = false
        return this.#go('content', value)
      case 'descriptor': {
        const isSingle = (value & 0x20) !== 0
        const size = value >> 6
        this.#checksum = (value & 0x04) !== 0
        const content = size === 0 && isSingle ? 1 : CONTENT_SIZE_BYTES[size]!
        return this.#go('rest', (isSingle ? 0 : 1) + DICTIONARY_BYTES[value & 0x03]! + content)
      }
      case 'rest':
        return this.#go('block', BLOCK_HEADER_BYTES)
      case 'block': {
        const isRepeated = ((value >> 1) & 0x03) === 1
        this.#last = (value & 1) === 1
        return this.#go('content', isRepeated ? 1 : value >> 3)
      }
      case 'content':
        if (!this.#last) return this.#go('block', BLOCK_HEADER_BYTES)
        if (this.#checksum) return this.#go('checksum', CHECKSUM_BYTES)
        return this.#end()
      case 'checksum':
        return this.#end()
    }
  }

  #go(step: Step, bytes: number): false {
    this.#step = step
    this.#left = bytes
    this.#value = 0
    this.#read = 0
    return false
  }

  #end(): true {
    this.#go('magic', 4)
    return true
  }
}

function isSkippable(magic: number): boolean {
  return Math.floor(magic / 16) === SKIPPABLE_MAGIC / 16
}
