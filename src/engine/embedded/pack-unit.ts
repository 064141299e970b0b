import type { MarkBatch } from '../../trace/trace.ts'
import type { UnitOfWork } from '../engine.ts'
import type { Catalog } from './catalog.ts'
import type { EmbeddedLease } from './lease.ts'
import type { Batches, PackedMarks, PackedUnit } from './messages.ts'
import type { Packer } from './packer.ts'

export function packMarks(marks: MarkBatch, catalog: Catalog): PackedMarks {
  const { done, dead, claimedMs, finishedMs, attempts } = marks
  return { place: catalog.place(marks.topic, marks.partition), done, dead, claimedMs, finishedMs, attempts }
}

/** A unit as it goes to the writer: partitions as places, bytes in the message's arena. */
export function packUnit(unit: UnitOfWork, lease: EmbeddedLease, catalog: Catalog, outputs: Batches, packer: Packer): PackedUnit {
  return {
    member: lease.member,
    generation: lease.generation,
    ...(unit.agent.version === 0 ? {} : { agent: unit.agent }),
    outputs,
    letters: unit.letters.map(({ topic, partition, frame, ...letter }) => ({
      ...letter,
      place: catalog.place(topic, partition),
      frame: packer.bytes(frame),
    })),
    marks: unit.marks.map(marks => packMarks(marks, catalog)),
    cache: unit.cache.map(({ topic, partition, ...write }) => ({ ...write, place: catalog.place(topic, partition) })),
    snapshots: unit.snapshots.map(({ group, topic, partition, offset, bytes }) => ({
      group,
      place: catalog.place(topic, partition),
      offset,
      bytes: packer.bytes(bytes),
    })),
    moves: unit.checkpoints.map(({ topic, partition, from, checkpoint }) => ({ place: catalog.place(topic, partition), from, checkpoint })),
  }
}
