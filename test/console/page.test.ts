import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import { afterAll, describe, expect, it } from 'vitest'
import { consolePage } from '../../src/console/page.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-page-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function served(built: string) {
  const server = Fastify()
  await consolePage(server, built)
  return server
}

describe('the console’s files', () => {
  it('answer every view’s URL with the one page, and keep assets for good', async () => {
    mkdirSync(join(folder, 'assets'))
    writeFileSync(join(folder, 'index.html'), '<title>Millrace</title>')
    writeFileSync(join(folder, 'assets', 'index-abc.js'), 'console.log(1)')
    await using server = await served(folder)
    for (const url of ['/console/', '/console/flow', '/console/data/0198-1']) {
      const answer = await server.inject(url)
      expect(answer.body).toContain('<title>Millrace</title>')
      expect(answer.headers['cache-control']).toBe('no-cache')
    }
    const asset = await server.inject('/console/assets/index-abc.js')
    expect(asset.body).toBe('console.log(1)')
    expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect((await server.inject('/console')).headers.location).toBe('/console/')
  })

  it('are not the page where an asset of another build is asked for', async () => {
    await using server = await served(folder)
    expect((await server.inject('/console/assets/index-old.js')).statusCode).toBe(404)
    expect((await server.inject('/console/..%2f..%2fpackage.json')).body).not.toContain('"name"')
  })

  it('say how to build them where they are not there', async () => {
    expect(existsSync(join(folder, 'nothing'))).toBe(false)
    await using server = await served(join(folder, 'nothing'))
    const answer = await server.inject('/console/flow')
    expect(answer.statusCode).toBe(503)
    expect(answer.body).toContain('npm run build:console')
  })
})
