#!/usr/bin/env node
// Read by whatever Node is there, however old: no syntax newer than import(), nothing imported before the version is known.
var NEEDED = 24
var major = Number(process.versions.node.split('.')[0])

if (major < NEEDED) {
  process.stderr.write(
    'Millrace needs Node ' +
      NEEDED +
      ' or newer and this is Node ' +
      process.versions.node +
      ': run "npm i -D node@' +
      NEEDED +
      '" and then npx millrace again.\n',
  )
  process.exitCode = 1
} else {
  import('../dist/cli/main.js').then(
    cli => cli.main(process.argv.slice(2)),
    error => {
      process.stderr.write(`Millrace is not built: run "npm run build" in its folder first, or install it from npm.\n${error.message}\n`)
      process.exitCode = 1
    },
  )
}
