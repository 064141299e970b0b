import { expect, test } from 'vitest'
import { isLoopback, isLoopbackAuthority } from '../../src/frontend/loopback.ts'

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['localhost', true],
  ['LocalHost', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['::ffff:10.0.0.1', false],
  ['10.0.0.1', false],
  ['127.0.0.1.example.com', false],
  ['localhost.example.com', false],
  ['', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

test.each([
  ['127.0.0.1:7070', true],
  ['localhost', true],
  ['[::1]:80', true],
  ['[::1]', true],
  ['localhost:7070.example.com', false],
  ['example.com:80', false],
  ['user@localhost', false],
  ['localhost:', false],
  ['', false],
])('a client that asks for %j asks for this machine: %s', (authority, expected) => {
  expect(isLoopbackAuthority(authority)).toBe(expected)
})
