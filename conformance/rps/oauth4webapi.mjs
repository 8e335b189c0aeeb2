// A service on oauth4webapi, the strictest library: it looks at each status, content type and challenge. The
// service's proofs must hold a nonce of Porten's, and introspection is signed.

import * as oauth from 'oauth4webapi'
import { done, ensure, fails, go, privateKey, settings } from './stage.mjs'

const { issuer, registration, key, resource } = settings
const client = registration
const [redirect_uri] = client.redirect_uris
const auth = oauth.PrivateKeyJwt(await privateKey(key))

const asked = await oauth.discoveryRequest(new URL(issuer))
const as = await oauth.processDiscoveryResponse(new URL(issuer), asked)
const pair = await oauth.generateKeyPair('ES256')
const DPoP = oauth.DPoP(client, pair)

// Without a nonce first, and then with the one that came back.
async function withNonce(attempt) {
  const refused = await fails(attempt())
  ensure(oauth.isDPoPNonceError(refused), `refused for another reason: ${refused} ${JSON.stringify(refused.cause)}`)
  return attempt()
}

const verifier = oauth.generateRandomCodeVerifier()
const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
const parameters = {
  client_id: client.client_id,
  redirect_uri,
  response_type: 'code',
  scope: 'fjordvik:byggesak.read openid profile',
  state,
  nonce,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  max_age: '3600',
}
const pushed = await withNonce(async () => {
  const response = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, { DPoP })
  return oauth.processPushedAuthorizationResponse(as, client, response)
})
const authorize = new URL(as.authorization_endpoint)
authorize.search = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })
const answer = oauth.validateAuthResponse(as, client, await go(authorize), state)

const redeem = () => oauth.authorizationCodeGrantRequest(as, client, auth, answer, redirect_uri, verifier, { DPoP })
const redeemed = await redeem()
const tokens = await oauth.processAuthorizationCodeResponse(as, client, redeemed, {
  expectedNonce: nonce,
  maxAge: 3600,
  requireIdToken: true,
})
await oauth.validateApplicationLevelSignature(as, redeemed)
const claims = oauth.getValidatedIdTokenClaims(tokens)
ensure(tokens.token_type === 'dpop', `a token of the type ${tokens.token_type}`)

async function userinfo(token, proof) {
  const response = await oauth.userInfoRequest(as, client, token, { DPoP: proof })
  return oauth.processUserInfoResponse(as, client, claims.sub, response)
}
const known = await userinfo(tokens.access_token, DPoP)
ensure(known.pid === claims.pid, 'userinfo is of somebody else')

// An error that says by itself what is wrong: its status, and its challenge as the header's grammar has it.
async function challenged(attempt, status, scheme, error) {
  const refused = await fails(attempt)
  ensure(refused instanceof oauth.WWWAuthenticateChallengeError, `no challenge: ${refused}`)
  const found = refused.cause.find((challenge) => challenge.scheme === scheme)
  ensure(refused.status === status && found?.parameters.error === error, JSON.stringify(refused.cause))
}
const other = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
await challenged(userinfo('no-token', DPoP), 401, 'dpop', 'invalid_token')
await challenged(userinfo('no-token', undefined), 401, 'bearer', 'invalid_token')
await challenged(userinfo(tokens.access_token, undefined), 401, 'dpop', 'invalid_token')
// It is told the nonce first, and then that it is another's key.
await challenged(userinfo(tokens.access_token, other), 401, 'dpop', 'use_dpop_nonce')
await challenged(userinfo(tokens.access_token, other), 401, 'dpop', 'invalid_token')

async function refresh(token) {
  const response = await oauth.refreshTokenGrantRequest(as, client, auth, token, { DPoP })
  const refreshed = await oauth.processRefreshTokenResponse(as, client, response)
  await oauth.validateApplicationLevelSignature(as, response)
  return refreshed
}
const refreshed = await refresh(tokens.refresh_token)

async function introspect(token) {
  const response = await oauth.introspectionRequest(as, client, auth, token)
  const type = response.headers.get('content-type')
  ensure(type === 'application/token-introspection+jwt', `introspection came as ${type}`)
  const said = await oauth.processIntrospectionResponse(as, client, response)
  await oauth.validateApplicationLevelSignature(as, response)
  return said
}
const active = await introspect(refreshed.access_token)
ensure(active.active && active.sub === claims.sub && active.token_type === 'DPoP', JSON.stringify(active))

// The other side of the wire: an API that takes the token, and the proof with it (RFC 9068, RFC 9449).
async function calls(token, proof) {
  let called
  await oauth.protectedResourceRequest(token, 'GET', new URL(resource), undefined, undefined, {
    DPoP: proof,
    [oauth.customFetch]: async (url, options) => {
      called = new Request(url, options)
      return new Response()
    },
  })
  return oauth.validateJwtAccessToken(as, called, issuer, { requireDPoP: true })
}
const seen = await calls(refreshed.access_token, DPoP)
ensure(seen.client_id === client.client_id && seen.scope === parameters.scope, JSON.stringify(seen))
await fails(calls(refreshed.access_token, other))

const revoked = await oauth.revocationRequest(as, client, auth, refreshed.access_token)
await oauth.processRevocationResponse(revoked)
ensure(!(await introspect(refreshed.access_token)).active, 'the token outlived its end')
await challenged(userinfo(refreshed.access_token, DPoP), 401, 'dpop', 'invalid_token')
const used = await fails(refresh(refreshed.refresh_token))
ensure(used instanceof oauth.ResponseBodyError && used.error === 'invalid_grant', `refused with ${used}`)
const again = await fails(redeem().then((response) => oauth.processAuthorizationCodeResponse(as, client, response)))
ensure(again instanceof oauth.ResponseBodyError && again.error === 'invalid_grant', `refused with ${again}`)

// RFC 6749 5.2: who comes with Basic is told that it was read.
const wrong = oauth.ClientSecretBasic('not-my-secret')
await challenged(oauth.revocationRequest(as, client, wrong, 'x').then(oauth.processRevocationResponse), 401, 'basic')

done({ claims, active, seen })
