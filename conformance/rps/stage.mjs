// How a relying party speaks with the test that started it: lines of JSON. The first one that comes in holds its
// settings. It asks for a citizen to be sent somewhere, gets the address at which they came back (and the form
// that they brought), and says in the end what it knows.

import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const next = async () => JSON.parse((await lines.next()).value)

export const settings = await next()

// Sends the citizen to an address. The way they came back: a URL, or a posted Request.
export async function go(to) {
  console.log(JSON.stringify({ go: String(to) }))
  const { url, form } = await next()
  if (form === null) return new URL(url)
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return new Request(url, { method: 'POST', headers, body: form })
}

// The end: what is known.
export function done(known) {
  console.log(JSON.stringify({ done: known }))
  process.exit(0)
}

// Fails with these words unless it is so.
export function ensure(so, words) {
  if (!so) throw new Error(words)
}

// Something that must go wrong; the error.
export async function fails(attempt) {
  let done
  try {
    done = await attempt
  } catch (error) {
    return error
  }
  throw new Error(`it went well: ${JSON.stringify(done)}`)
}

const KINDS = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
}

// The private key of the settings, with its name.
export async function privateKey({ pem, alg, kid }) {
  const der = Buffer.from(pem.replace(/-----.*-----/g, ''), 'base64')
  return { key: await crypto.subtle.importKey('pkcs8', der, KINDS[alg], false, ['sign']), kid }
}
