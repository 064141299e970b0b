import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { need, run } from './run.ts'
import type { Step } from './step.ts'

const NODE_CLIENT = '4.0.2'
const PYTHON_CLIENT = '4.2.2'

/** Where AWS's runtime client for Node is: its `index.mjs`. @throws where it is not installed. */
export function lambdaNodeClient(): string {
  return found(cacheFolder('lambda-node', NODE_CLIENT, 'node_modules', 'aws-lambda-ric', 'index.mjs'), `aws-lambda-ric ${NODE_CLIENT}`)
}

/** Where AWS's runtime client for Python is: a folder for PYTHONPATH. @throws where it is not installed. */
export function lambdaPythonClient(): string {
  return found(cacheFolder('lambda-python', PYTHON_CLIENT), `awslambdaric ${PYTHON_CLIENT}`)
}

/** Its package builds curl and AWS's C++ client as it is installed. */
export const lambdaNode: Step = {
  name: `aws-lambda-ric ${NODE_CLIENT}`,
  how: 'by npm, which builds it, 19 MB, about 2 minutes',
  present: () => existsSync(cacheFolder('lambda-node', NODE_CLIENT)),
  install: () => {
    for (const program of ['cmake', 'make', 'g++', 'python3']) need(program, 'to build aws-lambda-ric', 'your system’s packages')
    into(cacheFolder('lambda-node', NODE_CLIENT), folder => {
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, allowScripts: { 'aws-lambda-ric': true } }))
      // Node brings its headers along: nothing else need be fetched.
      const prefix = dirname(dirname(process.execPath))
      const headers = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? { npm_config_nodedir: prefix } : {}
      run('npm', ['install', '--no-audit', '--no-fund', `aws-lambda-ric@${NODE_CLIENT}`], { cwd: folder, env: headers })
    })
  },
}

export const lambdaPython: Step = {
  name: `awslambdaric ${PYTHON_CLIENT}`,
  how: 'by pip, 2 MB, about 10 s',
  present: () => existsSync(cacheFolder('lambda-python', PYTHON_CLIENT)),
  install: () =>
    into(cacheFolder('lambda-python', PYTHON_CLIENT), folder => {
      run('python3', ['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--target', folder, `awslambdaric==${PYTHON_CLIENT}`])
    }),
}

/** A folder that is there whole or not at all. */
function into(folder: string, fill: (partial: string) => void): void {
  const partial = `${folder}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  fill(partial)
  renameSync(partial, folder)
}

function found(path: string, name: string): string {
  if (!existsSync(path)) throw new Error(`${name} is not installed. Run: npm run servers:install`)
  return path
}
