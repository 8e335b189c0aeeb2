//! The protocol over a socket, by the `openidconnect` crate, which finds everything in the metadata.

use std::net::SocketAddr;

use anyhow::Context;
use conformance::idp::TestIdp;
use conformance::program::install_tls;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreUserInfoClaims,
};
use openidconnect::{
    AuthType, AuthenticationContextClass, AuthorizationCode, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, RedirectUrl, RefreshToken, Scope,
    TokenResponse,
};
use serde_json::json;

type Sent = std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, openidconnect::http::Error>> + Send>>;

fn http(client: reqwest::Client) -> impl Fn(HttpRequest) -> Sent + Send + Sync {
    move |request| {
        let client = client.clone();
        Box::pin(async move {
            let answer = match request.try_into() {
                Ok(request) => client.execute(request).await,
                Err(error) => Err(error),
            };
            // What cannot be reached is an answer that no relying party takes.
            let Ok(answer) = answer else {
                return openidconnect::http::Response::builder().status(599).body(Vec::new());
            };
            let mut response = openidconnect::http::Response::builder().status(answer.status());
            for (name, value) in answer.headers() {
                response = response.header(name, value);
            }
            response.body(answer.bytes().await.map(|bytes| bytes.to_vec()).unwrap_or_default())
        })
    }
}

#[tokio::test]
async fn a_relying_party_that_we_did_not_write_logs_in() -> anyhow::Result<()> {
    install_tls();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let issuer = format!("http://127.0.0.1:{}", listener.local_addr()?.port());
    let idp = TestIdp::with(|setup| setup.issuer.clone_from(&issuer)).await?;
    let service = idp.router().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let kari = idp.person().await?;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    let http = http(client);

    for (method, algorithm) in [
        ("client_secret_basic", "RS256"),
        ("client_secret_post", "RS256"),
        ("client_secret_basic", "ES256"),
        ("none", "ES256"),
        ("client_secret_post", "PS256"),
        ("none", "EdDSA"),
    ] {
        let public = method == "none";
        let registered = idp
            .client_with(json!({
                "token_endpoint_auth_method": method,
                "application_type": if public { "native" } else { "web" },
                "id_token_signed_response_alg": algorithm,
                "grant_types": ["authorization_code", "refresh_token"],
            }))
            .await?;
        let metadata = CoreProviderMetadata::discover_async(IssuerUrl::new(issuer.clone())?, &http).await?;
        let secret = (!public).then(|| ClientSecret::new(registered.secret.clone()));
        let rp = CoreClient::from_provider_metadata(metadata, ClientId::new(registered.id.clone()), secret)
            .set_auth_type(if method == "client_secret_basic" { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_redirect_uri(RedirectUrl::new(registered.redirect_uri.clone())?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (url, state, nonce) = rp
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("profile".into()))
            .add_auth_context_value(AuthenticationContextClass::new("idporten-loa-substantial".into()))
            .set_pkce_challenge(challenge)
            .url();
        let mut browser = idp.browser();
        let path = url.as_str().strip_prefix(&issuer).context("another origin")?;
        browser.get(path).await?.log_in(&idp, &kari).await?;
        assert_eq!(browser.sent_back("state")?, *state.secret());
        assert_eq!(browser.sent_back("iss")?, issuer);

        let code = AuthorizationCode::new(browser.sent_back("code")?);
        let tokens = rp.exchange_code(code)?.set_pkce_verifier(verifier).request_async(&http).await?;
        let expected = match algorithm {
            "RS256" => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            "PS256" => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
            "EdDSA" => CoreJwsSigningAlgorithm::EdDsa,
            _ => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        };
        let verifier = rp.id_token_verifier().set_allowed_algs([expected]);
        let claims = tokens.id_token().context("no ID token")?.claims(&verifier, &nonce)?;
        assert_eq!(claims.auth_context_ref().map(|acr| acr.as_str()), Some("idporten-loa-substantial"));
        let subject = claims.subject().clone();
        let userinfo: CoreUserInfoClaims =
            rp.user_info(tokens.access_token().clone(), Some(subject.clone()))?.request_async(&http).await?;
        assert_eq!(*userinfo.subject(), subject);

        let refresh = RefreshToken::new(tokens.refresh_token().context("no refresh token")?.secret().clone());
        let refreshed = rp.exchange_refresh_token(&refresh)?.request_async(&http).await?;
        let no_nonce = |_: Option<&Nonce>| Ok(());
        let again = refreshed.id_token().context("no ID token")?.claims(&verifier, no_nonce)?;
        assert_eq!(*again.subject(), subject);
        let next = RefreshToken::new(refreshed.refresh_token().context("no refresh token")?.secret().clone());
        assert!(rp.exchange_refresh_token(&next)?.request_async(&http).await.is_ok());
        assert!(
            rp.exchange_refresh_token(&refresh)?.request_async(&http).await.is_err(),
            "used, and so is its successor"
        );
        idp.advance(std::time::Duration::from_hours(1));
    }
    Ok(())
}
