/**
 * Does `step` for every item, so many at once. After a failure no further item is begun, and what has begun is waited for: nothing goes
 * on behind the back of who called.
 * @throws what failed first.
 */
export async function inLanes<T>(items: Iterable<T>, lanes: number, step: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  const failures: unknown[] = []
  const lane = async () => {
    for (let next = queue.next(); !next.done && failures.length === 0; next = queue.next()) {
      try {
        await step(next.value)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  if (failures.length > 0) throw failures[0]
}
