import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { cacheFolder } from './cache.ts'
import { run } from './run.ts'
import type { Step } from './step.ts'

const VERSION = '1.36.0'
const FOLDER = cacheFolder('otlp-decoder', VERSION)

/** OpenTelemetry's own definitions of OTLP, for Python: a folder for PYTHONPATH. @throws where they are not installed. */
export function otlpDefinitions(): string {
  if (!existsSync(FOLDER)) throw new Error(`opentelemetry-proto ${VERSION} is not installed. Run: npm run servers:install`)
  return FOLDER
}

export const otlpDecoder: Step = {
  name: `opentelemetry-proto ${VERSION}`,
  how: 'by pip, 3 MB, about 5 s',
  present: () => existsSync(FOLDER),
  install: () => {
    const partial = `${FOLDER}.partial`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial, { recursive: true })
    run('python3', ['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--target', partial, `opentelemetry-proto==${VERSION}`])
    renameSync(partial, FOLDER)
  },
}
