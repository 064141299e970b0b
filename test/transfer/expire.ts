import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Deletes what retention would: whole batches from the beginning of a partition. */
export function expire(data: string, name: string, partition: number, batches: number): void {
  const db = new DatabaseSync(join(data, 'millrace.db'))
  const { place } = db
    .prepare('SELECT p.place FROM places p JOIN topics t ON t.topic = p.topic WHERE t.name = ? AND p.partition = ?')
    .get(name, partition)!
  for (let i = 0; i < batches; i++) {
    const { first, count } = db.prepare('SELECT first, count FROM batches WHERE place = ? ORDER BY first LIMIT 1').get(place!)!
    db.prepare('DELETE FROM batches WHERE place = ? AND first = ?').run(place!, first!)
    db.prepare('UPDATE places SET floor = ? WHERE place = ?').run(Number(first) + Number(count), place!)
  }
  db.close()
}
