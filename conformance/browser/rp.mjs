// A service that logs people in through Porten with openid-client, a certified library that Porten's authors did
// not write. Arguments: issuer, client_id, client_secret, port (0: any). It prints where it listens.
//
//   /         begins a login; acr_values, prompt, scope, response_mode … of the query are passed on, and with `pushed`
//             the request is pushed first (RFC 9126)
//   /cb       takes the answer, by GET or (response_mode=form_post) by POST
//   /me       shows who is logged in
//   /logout   logs out here, and at Porten (RP-Initiated Logout)
//   /bye      where Porten sends people after that

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import * as oidc from 'openid-client'

const [issuer, clientId, clientSecret, port] = process.argv.slice(2)
const PASSED_ON = ['acr_values', 'prompt', 'scope', 'ui_locales', 'response_mode', 'max_age', 'login_hint', 'onbehalfof']

// By cookie: the logins that a browser has begun, by state, and who it is logged in as.
const browsers = new Map()
let origin
let discovered
let discoveredForJwt

// A login that failed (Porten not up yet) must not be remembered as an answer.
function discover() {
  discovered ??= oidc
    .discovery(new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(clientSecret), {
      // Only because `porten dev` has no TLS on the loopback address.
      execute: [oidc.allowInsecureRequests],
    })
    .catch((error) => {
      discovered = undefined
      throw error
    })
  return discovered
}

// The same for answers that come as a JWT (JARM).
async function discoverForJwt() {
  const config = await discover()
  if (!discoveredForJwt) {
    discoveredForJwt = new oidc.Configuration(config.serverMetadata(), clientId, undefined, oidc.ClientSecretBasic(clientSecret))
    oidc.allowInsecureRequests(discoveredForJwt)
    oidc.useJwtResponseMode(discoveredForJwt)
  }
  return discoveredForJwt
}

// The state in an answer, before anybody has looked at its signature.
function stateOf(given) {
  const jwt = given.get('response')
  return jwt ? JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url')).state : given.get('state')
}

// This service is at 127.0.0.1 and Porten at localhost: two sites. So a form posted from there brings the cookie
// only if it is SameSite=None.
function browserOf(request, response) {
  const mark = /(?:^|; )service=([0-9a-f-]+)/.exec(request.headers.cookie ?? '')?.[1]
  const id = browsers.has(mark) ? mark : randomUUID()
  if (id !== mark) {
    browsers.set(id, { begun: new Map(), who: undefined, logins: 0 })
    response.setHeader('set-cookie', `service=${id}; Path=/; HttpOnly; Secure; SameSite=None`)
  }
  return browsers.get(id)
}

async function begin(browser, url) {
  const config = await discover()
  const one = {
    nonce: oidc.randomNonce(),
    verifier: oidc.randomPKCECodeVerifier(),
    maxAge: url.searchParams.get('max_age'),
  }
  const state = oidc.randomState()
  // Kept after the answer too: with the back button or a bookmark the same login may be answered again.
  browser.begun.set(state, one)
  const more = PASSED_ON.filter((name) => url.searchParams.has(name)).map((name) => [name, url.searchParams.get(name)])
  const parameters = {
    redirect_uri: `${origin}/cb`,
    scope: 'openid profile',
    state,
    nonce: one.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(one.verifier),
    code_challenge_method: 'S256',
    ...Object.fromEntries(more),
  }
  const pushed = url.searchParams.has('pushed')
  return pushed ? oidc.buildAuthorizationUrlWithPAR(config, parameters) : oidc.buildAuthorizationUrl(config, parameters)
}

async function finish(browser, answer, given) {
  const config = await (given.has('response') ? discoverForJwt() : discover())
  const state = stateOf(given)
  const one = browser.begun.get(state)
  if (!one) throw new Error('this browser has begun no login with that state')
  const tokens = await oidc.authorizationCodeGrant(config, answer, {
    pkceCodeVerifier: one.verifier,
    expectedNonce: one.nonce,
    expectedState: state,
    maxAge: one.maxAge === null ? undefined : Number(one.maxAge),
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  // Checks that the subject is the one of the ID token.
  const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
  browser.who = { claims, userinfo, id_token: tokens.id_token }
  browser.logins += 1
}

const escaped = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)

function page(response, status, title, body) {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })
  response.end(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"></head>
<body><main><h1>${title}</h1>${body}</main><p id="script">JavaScript is off</p>
<script>document.getElementById('script').textContent = 'JavaScript is on'</script></body></html>`)
}

function redirect(response, to) {
  response.writeHead(303, { location: String(to) })
  response.end()
}

async function form(request) {
  let text = ''
  for await (const part of request) text += part
  return text
}

async function answer(request, response) {
  const url = new URL(request.url, origin)
  const browser = browserOf(request, response)
  switch (url.pathname) {
    case '/':
      return redirect(response, await begin(browser, url))
    case '/cb': {
      const body = request.method === 'POST' ? await form(request) : undefined
      const given = body === undefined ? url.searchParams : new URLSearchParams(body)
      if (given.has('error')) {
        const shown = JSON.stringify(Object.fromEntries(given))
        return page(response, 200, 'Not logged in', `<pre id="error">${escaped(shown)}</pre><a href="/">Log in</a>`)
      }
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      await finish(browser, body === undefined ? url : new Request(url, { method: 'POST', headers, body }), given)
      return redirect(response, '/me')
    }
    case '/me': {
      if (!browser.who) return page(response, 200, 'Nobody', '<a href="/">Log in</a>')
      const { claims, userinfo } = browser.who
      const shown = JSON.stringify({ claims, userinfo, logins: browser.logins }, null, 2)
      return page(response, 200, 'Logged in', `<pre id="claims">${escaped(shown)}</pre><a href="/logout">Log out</a>`)
    }
    case '/logout': {
      const hint = browser.who?.id_token
      browser.who = undefined
      if (!hint) return redirect(response, '/me')
      const state = oidc.randomState()
      const back = { id_token_hint: hint, post_logout_redirect_uri: `${origin}/bye`, state }
      browser.leaving = state
      return redirect(response, oidc.buildEndSessionUrl(await discover(), back))
    }
    case '/bye': {
      const own = url.searchParams.get('state') === browser.leaving
      return page(response, 200, 'Logged out', `<p id="bye">${own ? 'as asked' : 'unasked'}</p><a href="/">Log in</a>`)
    }
    default:
      return page(response, 404, 'Nothing here', '<a href="/">Log in</a>')
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    const why = [error?.message, error?.code, error?.cause?.message, JSON.stringify(error?.cause ?? null)].join(' | ')
    page(response, 500, 'Login failed', `<pre id="error">${escaped(why)}</pre><a href="/">Log in</a>`)
  })
})
server.listen(Number(port), '127.0.0.1', () => {
  origin = `http://127.0.0.1:${server.address().port}`
  console.log(`The service listens at ${origin}`)
})
