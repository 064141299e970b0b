import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { need, run } from './run.ts'
import type { Step } from './step.ts'

const MINOR = '35.4'
const VERSION = `1.${MINOR}`
const PROGRAMS = ['kube-apiserver', 'kubectl']

/** The API server, which checks manifests as a cluster does, and its client. Nobody publishes them as a package, so they are built. */
export const kubernetes: Step = {
  name: `kube-apiserver and kubectl ${VERSION}`,
  how: 'built from source by Go, 160 MB, 15 minutes with two cores',
  present: () => PROGRAMS.every(program => existsSync(cacheFolder('bin', program))),
  install: () => {
    need('go', 'to build kube-apiserver', 'https://go.dev/dl')
    const folder = cacheFolder('kubernetes.partial')
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const go = (...args: string[]) => run('go', args, { cwd: folder, env: { GOFLAGS: '-buildvcs=false', CGO_ENABLED: '0' } })
    go('mod', 'init', 'millrace/kubernetes')
    go('mod', 'edit', `-require=k8s.io/kubernetes@v${VERSION}`, ...stagingModules(go))
    const imports = PROGRAMS.map(program => `import _ "k8s.io/kubernetes/cmd/${program}"\n`).join('')
    writeFileSync(join(folder, 'tools.go'), `//go:build tools\n\npackage tools\n\n${imports}`)
    // Some of what only their tests import cannot be had by itself; -e goes on without it.
    go('mod', 'tidy', '-e')
    const [major, minor] = VERSION.split('.')
    const marks = [`gitVersion=v${VERSION}`, `gitMajor=${major}`, `gitMinor=${minor}`]
    const flags = `-s -w ${marks.map(mark => `-X k8s.io/component-base/version.${mark}`).join(' ')}`
    for (const program of PROGRAMS) go('build', '-ldflags', flags, '-o', join(folder, program), `k8s.io/kubernetes/cmd/${program}`)
    mkdirSync(cacheFolder('bin'), { recursive: true })
    for (const program of PROGRAMS) renameSync(join(folder, program), cacheFolder('bin', program))
    rmSync(folder, { recursive: true })
  },
}

/** Kubernetes takes its own modules from folders of its repository; from outside, each must be named by the version published for it. */
function stagingModules(go: (...args: string[]) => string): string[] {
  // As `go help mod download` describes it.
  const { Dir } = JSON.parse(go('mod', 'download', '-json', `k8s.io/kubernetes@v${VERSION}`)) as { readonly Dir: string }
  const manifest = readFileSync(join(Dir, 'go.mod'), 'utf8')
  const replaced = manifest.matchAll(/(k8s\.io\/[\w-]+)\s*=>\s*\.\/staging/g)
  const unversioned = manifest.matchAll(/(k8s\.io\/[\w-]+) v0\.0\.0\s/g)
  const names = new Set([...replaced, ...unversioned].map(match => match[1]!))
  return [...names].map(name => `-replace=${name}=${name}@v0.${MINOR}`)
}
