import { describe, expect, it } from 'vitest'
import { type HttpOptions, http } from '../../../../src/agents/remote/index.ts'

describe('http()', () => {
  // What a user without TypeScript may give.
  const wrong: [unknown, unknown, RegExp][] = [
    [undefined, {}, /needs a URL/],
    ['mood.example', {}, /needs a URL/],
    ['file:///etc/passwd', {}, /needs a URL/],
    ['https://me:hunter2@mood.example/v1', {}, /^http\('https:\/\/mood\.example\/v1'\) holds a password: give it as a header/],
    ['https://mood.example', { batch: 0 }, /http\('https:\/\/mood\.example'\) batch is 0/],
    ['https://mood.example', { requests: 1.5 }, /requests is 1\.5/],
    ['https://mood.example', { headers: { 'x y': 'z' } }, /cannot send a header "x y"/],
    ['https://mood.example', { headers: { Host: 'z' } }, /cannot send a header "Host"/],
    ['https://mood.example', { headers: { authorization: 7 } }, /header authorization must be a text, or a function/],
    ['http://127.0.0.1:8000', {}, /is at 127\.0\.0\.1, no address of the open internet: .* say private: true/],
    ['http://[::1]:8000', {}, /is at ::1, no address/],
    ['http://2130706433', {}, /is at 127\.0\.0\.1, no address/],
    ['http://[::ffff:10.0.0.1]/', {}, /no address of the open internet/],
  ]
  it.each(wrong)('refuses %j with %j', (url, options, why) => {
    const make = () => http(url as string, options as HttpOptions)
    expect(make).toThrow(TypeError)
    expect(make).toThrow(why)
    expect(make).not.toThrow(/hunter2/)
  })

  it('says how many data of a partition may be with it: twice what fits into its requests', () => {
    expect(http('https://mood.example').concurrency).toBe(800)
    expect(http('https://mood.example', { batch: 10, requests: 2 }).concurrency).toBe(40)
    expect(http('https://mood.example', { batch: 10_000 }).concurrency).toBe(10_000)
  })
})
