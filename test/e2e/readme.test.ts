import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

describe('the README', () => {
  it('prints examples as they are in their files, which are tested', () => {
    const snippets = [...README.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)]
    expect(snippets.length).toBeGreaterThan(0)
    for (const [, file, text] of snippets) expect(text, file).toBe(readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8'))
  })

  it('has a first pipeline of under 30 lines', () => {
    expect(readFileSync(new URL('../../examples/first/pipeline.ts', import.meta.url), 'utf8').split('\n').length).toBeLessThan(30)
  })

  it('links only to files that exist', () => {
    for (const [, target] of README.matchAll(/\]\(((?!https?:)[^)#]+)/g)) {
      expect(() => readFileSync(new URL(`../../${target}`, import.meta.url)), target).not.toThrow()
    }
  })
})
