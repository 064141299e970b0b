import assert from 'node:assert/strict'
import type { CachedValue, CacheStore } from '../trace/trace.ts'
import type { TestFramework, UnderTest } from './framework.ts'

/** What every {@link CacheStore} must keep to. `open` gives an empty one, for each test. */
export function cacheStoreSuite({ describe, it }: TestFramework, name: string, open: () => Promise<UnderTest<CacheStore>>): void {
  const over = (test: (store: CacheStore) => Promise<void>) => async () => {
    const under = await open()
    try {
      await test(under.subject)
    } finally {
      await under.dispose()
    }
  }

  describe(`${name} as a cache store`, () => {
    it(
      'is not there until it was filled, and then is, also empty',
      over(async store => {
        assert.equal(await store.write('average', [value('north', 1, 1)]), false)
        assert.equal(await store.view('average'), undefined)
        assert.equal(await store.entry('average', 'north'), undefined)
        await store.begin('average', [value('north', 1, 1)], false)
        assert.equal(await store.write('average', [value('north', 2, 2)]), false, 'A fill that has not ended is no cache yet.')
        assert.equal(await store.view('average'), undefined)
        await store.begin('average', [value('south', 5, 1)], true)
        assert.deepEqual(await shown(store), { north: '1', south: '5' })
        await store.begin('empty', [], true)
        assert.deepEqual((await store.view('empty'))?.entries, [])
        assert.equal(await store.entry('empty', 'north'), null)
        assert.equal(await store.view('never'), undefined)
      }),
    )

    it(
      'rises only, within a partition; another partition’s value takes the place',
      over(async store => {
        await store.begin('average', [value('north', 'of 3', 3)], true)
        const before = await store.entry('average', 'north')
        assert.equal(await store.write('average', [value('north', 'of 2', 2), value('north', 'of 3 again', 3)]), true)
        await store.begin('average', [value('north', 'of 1', 1)], true)
        assert.deepEqual(await store.entry('average', 'north'), before, 'A value that is not newer was written, or moved the revision.')
        await store.write('average', [value('north', 'of 4', 4)])
        const after = await store.entry('average', 'north')
        assert.equal(after?.value, '"of 4"')
        assert.ok(after.revision > before!.revision, 'An entity tag must change with its value.')
        await store.write('average', [{ ...value('north', 'elsewhere', 1), partition: 1 }])
        await store.write('average', [{ ...value('north', 'of another topic', 1), topic: 'supply', partition: 1 }])
        assert.equal((await store.entry('average', 'north'))?.value, '"of another topic"')
        await store.write('average', [value('far', 1, 2 ** 52), value('far', 2, 2 ** 52 + 1), value('far', 0, 9)])
        assert.equal((await store.entry('average', 'far'))?.value, '2')
      }),
    )

    it(
      'keeps any key and any value as they are',
      over(async store => {
        const odd = ['', ' ', '\0', '\0\0revision', '\0begun', '__proto__', 'süd', '1', 'a\nb', '{tag}', 'x'.repeat(200)]
        await store.begin('average', [], true)
        await store.write(
          'average',
          odd.map((key, i) => value(key, { key, note: 'ü\0\n "', i }, i + 1)),
        )
        for (const [i, key] of odd.entries()) {
          const entry = await store.entry('average', key)
          assert.deepEqual([entry?.key, entry?.value], [key, JSON.stringify({ key, note: 'ü\0\n "', i })])
          assert.equal(entry?.updatedMs, 1_800_000_000_123)
        }
        const view = await store.view('average')
        assert.deepEqual(view?.entries.map(({ key }) => key).sort(), odd.toSorted())
      }),
    )

    it(
      'counts each write in its revision, which is never below an entry’s',
      over(async store => {
        await store.begin('average', [value('north', 1, 1)], true)
        const first = (await store.view('average'))!.revision
        await store.write('average', [value('north', 2, 2), value('south', 1, 1)])
        const view = await store.view('average')
        assert.equal(view?.revision, first + 2)
        assert.equal(Math.max(...view.entries.map(entry => entry.revision)), view.revision)
        assert.equal(new Set(view.entries.map(entry => entry.revision)).size, 2, 'Two writes, two revisions.')
      }),
    )

    it(
      'holds many entries, written at once and apart',
      over(async store => {
        const many = Array.from({ length: 5000 }, (_, i) => value(`station-${i}`, i, 1))
        await store.begin('average', many.slice(0, 2500), false)
        await store.begin('average', many.slice(2500), true)
        await Promise.all(Array.from({ length: 20 }, (_, i) => store.write('average', [value(`station-${i}`, 'later', 2)])))
        const view = await store.view('average')
        assert.equal(view?.entries.length, 5000)
        assert.equal(view.entries.filter(entry => entry.value === '"later"').length, 20)
        assert.equal(new Set(view.entries.map(entry => entry.revision)).size, 5000)
      }),
    )

    it(
      'keeps caches apart',
      over(async store => {
        await store.begin('average', [value('north', 1, 1)], true)
        await store.begin('average2', [value('north', 2, 1)], true)
        assert.deepEqual(await shown(store), { north: '1' })
        assert.equal(await store.write('other', [value('north', 1, 1)]), false)
      }),
    )
  })
}

function value(key: string, of: unknown, offset: number): CachedValue {
  return { key, value: JSON.stringify(of), topic: 'demand', partition: 0, offset, updatedMs: 1_800_000_000_123 }
}

async function shown(store: CacheStore): Promise<Record<string, string>> {
  const view = await store.view('average')
  return Object.fromEntries((view?.entries ?? []).map(entry => [entry.key, entry.value]))
}
