// A service on openid-client, a certified library: everything that it can ask of Porten, one after the other.
// The settings say what it is registered with and which of the stronger ways it goes.

import * as oidc from 'openid-client'
import { done, ensure, fails, go, privateKey, settings } from './stage.mjs'

const { issuer, registration, key, strong, response_mode } = settings
const [redirect_uri] = registration.redirect_uris
const signing = key && (await privateKey(key))

function authentication() {
  switch (registration.token_endpoint_auth_method) {
    case 'client_secret_basic':
      return oidc.ClientSecretBasic(registration.client_secret)
    case 'client_secret_post':
      return oidc.ClientSecretPost(registration.client_secret)
    case 'private_key_jwt':
      return oidc.PrivateKeyJwt(signing)
  }
}

const config = await oidc.discovery(new URL(issuer), registration.client_id, registration, authentication())
oidc.enableNonRepudiationChecks(config)
if (strong) oidc.useJwtResponseMode(config)
const DPoP = strong ? oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) : undefined

async function login(more) {
  const one = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedNonce: oidc.randomNonce(),
    expectedState: oidc.randomState(),
    maxAge: more.max_age && Number(more.max_age),
    idTokenExpected: true,
  }
  const asked = {
    redirect_uri,
    scope: registration.scopes.filter((scope) => !scope.startsWith('idporten:')).join(' '),
    state: one.expectedState,
    nonce: one.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(one.pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...(response_mode && { response_mode }),
    ...more,
  }
  const signed = strong ? (await oidc.buildAuthorizationUrlWithJAR(config, asked, signing)).searchParams : asked
  const back = await go(await oidc.buildAuthorizationUrlWithPAR(config, signed, { DPoP }))
  return oidc.authorizationCodeGrant(config, back, one, undefined, { DPoP })
}

const first = await login({})
const claims = first.claims()
ensure(first.token_type === (strong ? 'dpop' : 'bearer'), `a token of the type ${first.token_type}`)
const userinfo = await oidc.fetchUserInfo(config, first.access_token, claims.sub, { DPoP })
ensure(userinfo.pid === claims.pid, 'userinfo is of somebody else')

// The same session, since it is young enough.
const second = await login({ max_age: '3600' })
ensure(second.claims().auth_time === claims.auth_time, 'another login')
ensure(second.claims().sub === claims.sub, 'somebody else')

const refreshed = await oidc.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP })
ensure(refreshed.access_token !== first.access_token, 'the access token is the old one')
ensure(refreshed.claims().sub === claims.sub, 'refreshed to somebody else')
ensure(refreshed.claims().auth_time === claims.auth_time, 'refreshed to another login')
await oidc.fetchUserInfo(config, refreshed.access_token, claims.sub, { DPoP })

const active = await oidc.tokenIntrospection(config, refreshed.access_token)
ensure(active.active && active.sub === claims.sub && active.client_id === registration.client_id, JSON.stringify(active))
ensure(Boolean(active.cnf?.jkt) === strong, 'the token is bound, or not, as it should not be')

await oidc.tokenRevocation(config, refreshed.refresh_token)
const inactive = await oidc.tokenIntrospection(config, refreshed.access_token)
ensure(!inactive.active && Object.keys(inactive).length === 1, JSON.stringify(inactive))
const used = await fails(oidc.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP }))
ensure(used.error === 'invalid_grant', `refused with ${used.error}: ${used}`)

const state = oidc.randomState()
const [post_logout_redirect_uri] = registration.post_logout_redirect_uris
const bye = await go(oidc.buildEndSessionUrl(config, { id_token_hint: second.id_token, post_logout_redirect_uri, state }))
ensure(bye.href === `${post_logout_redirect_uri}?state=${state}`, `after the logout at ${bye}`)
const nobody = await fails(login({ prompt: 'none' }))
ensure(nobody.error === 'login_required', `refused with ${nobody.error}: ${nobody}`)

done({ claims, userinfo, active })
