import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs a script where a package was never installed: nothing finds it. @returns what the script prints. */
export async function withoutPackage(name: string, script: string): Promise<string> {
  const missing = `
    import { registerHooks } from 'node:module'
    registerHooks({
      resolve(specifier, context, next) {
        if (specifier === '${name}') throw Object.assign(new Error("Cannot find package '${name}'"), { code: 'ERR_MODULE_NOT_FOUND' })
        return next(specifier, context)
      },
    })`
  const hooks = `data:text/javascript,${encodeURIComponent(missing)}`
  const args = [...process.execArgv, '--import', hooks, '--input-type=module', '--eval', script]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return stdout
}
