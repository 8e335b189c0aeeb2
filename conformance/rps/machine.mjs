// A machine that asks for tokens in its own name (RFC 7523), on openid-client and jose, and the API that it calls,
// on oauth4webapi.

import { SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { done, ensure, fails, privateKey, settings } from './stage.mjs'

const { issuer, registration, key, resource } = settings
const { key: signing, kid } = await privateKey(key)
const config = await oidc.discovery(new URL(issuer), registration.client_id, {}, oidc.None())
const as = config.serverMetadata()
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

function assertion(more) {
  const claims = { scope: registration.scopes.join(' '), resource, ...more }
  const made = new SignJWT(claims).setProtectedHeader({ alg: key.alg, kid }).setIssuer(registration.client_id)
  return made.setAudience(issuer).setIssuedAt().setExpirationTime('60s').setJti(crypto.randomUUID()).sign(signing)
}

async function ask(more, options) {
  return oidc.genericGrantRequest(config, GRANT, { assertion: await assertion(more) }, options)
}

// What the API sees of a call.
function call(token, headers) {
  return oauth.validateJwtAccessToken(as, new Request(resource, { headers }), resource)
}

const tokens = await ask({})
ensure(tokens.token_type === 'bearer' && !tokens.refresh_token && !tokens.id_token, JSON.stringify(tokens))
const seen = await call(tokens.access_token, { authorization: `Bearer ${tokens.access_token}` })
ensure(seen.scope === registration.scopes.join(' ') && seen.client_id === registration.client_id, JSON.stringify(seen))

const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
const bound = await ask({}, { DPoP })
ensure(bound.token_type === 'dpop', JSON.stringify(bound))

for (const [more, error] of [
  [{ scope: 'fjordvik:other.read' }, 'invalid_scope'],
  [{ scope: 'openid' }, 'invalid_scope'],
]) {
  const refused = await fails(ask(more))
  ensure(refused.error === error, `refused with ${refused.error}: ${refused}`)
}
const twice = { assertion: await assertion({}) }
await oidc.genericGrantRequest(config, GRANT, twice)
const refused = await fails(oidc.genericGrantRequest(config, GRANT, twice))
ensure(refused.error === 'invalid_grant', `refused with ${refused.error}: ${refused}`)

done({ seen })
