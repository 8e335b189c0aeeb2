//! A citizen with a browser, and a service that sends them to log in.

use std::collections::BTreeMap;
use std::ops::Range;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use url::Url;

use crate::site::{Site, random};

const VERIFIER: &str = "a-verifier-that-is-long-enough-for-rfc-7636-section-4.1";
const REDIRECT: &str = "https://tjeneste.example.no/callback";

/// A fødselsnummer of a real person (month as it is), born on the 14th of March 1985; the later ones have digits that say something.
pub(crate) fn real_fnr(nth: usize) -> String {
    numbers("140385").nth(200 + nth).unwrap_or_default()
}

/// A synthetic one (month + 80).
pub(crate) fn synthetic_fnr() -> String {
    synthetic_fnrs().next().unwrap_or_default()
}

/// One after the other.
pub(crate) fn synthetic_fnrs() -> impl Iterator<Item = String> {
    numbers("158385")
}

/// The number of somebody who was born in 2020: too young for MinID until 2033.
pub(crate) fn young_fnr() -> String {
    numbers_in("150620", 500..1000).next().unwrap_or_default()
}

/// The numbers of a day in the last century.
fn numbers(day: &str) -> impl Iterator<Item = String> {
    numbers_in(day, 0..500)
}

/// The numbers of a day, of a century's: the check digits after the Tax Administration's rule.
fn numbers_in(day: &str, century: Range<u32>) -> impl Iterator<Item = String> {
    century.filter_map(move |individual| {
        let mut digits: Vec<u32> = format!("{day}{individual:03}").chars().filter_map(|c| c.to_digit(10)).collect();
        for weights in [&[3, 7, 6, 1, 8, 9, 4, 5, 2][..], &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2][..]] {
            let sum: u32 = weights.iter().zip(&digits).map(|(weight, digit)| weight * digit).sum();
            digits.push((11 - sum % 11) % 11);
        }
        digits.iter().all(|digit| *digit < 10).then(|| digits.iter().map(u32::to_string).collect())
    })
}

/// Somebody with MinID.
pub(crate) struct Person {
    pub(crate) fnr: String,
    pub(crate) password: &'static str,
    pub(crate) mobile: String,
}

impl Person {
    /// Registers somebody by `porten person add`.
    pub(crate) async fn register(site: &Site) -> anyhow::Result<Person> {
        let password = "Blå-bær & fløte 42";
        // A telephone of their own: what is counted by telephone may be counted in a Redis that others use.
        let mobile = format!("+479{:07}", random() % 10_000_000);
        let person = Person { fnr: real_fnr(0), password, mobile };
        let arguments = [person.fnr.as_str(), "--mobile", &person.mobile, "--password-file", "-"];
        site.run_with("person add", &arguments, password).await?.well()?;
        Ok(person)
    }
}

/// A service that is registered.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Service {
    /// Registers one by `porten client add`, which may refresh its tokens.
    pub(crate) async fn register(site: &Site) -> anyhow::Result<Service> {
        let arguments = [
            "--client-name",
            "Byggesak",
            "--redirect-uri",
            REDIRECT,
            "--grant-type",
            "authorization_code",
            "--grant-type",
            "refresh_token",
        ];
        let shown: Value = serde_json::from_str(&site.run("client add", arguments).await?.well()?)?;
        let text = |name: &str| shown[name].as_str().map(str::to_owned).with_context(|| format!("no {name}"));
        Ok(Service { id: text("client_id")?, secret: text("client_secret")? })
    }

    /// What it asks for.
    pub(crate) fn request(&self) -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
        let challenge = URL_SAFE_NO_PAD.encode(digest);
        let fields = [
            ("client_id", self.id.as_str()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid profile"),
            ("state", "state-1"),
            ("nonce", "nonce-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("/authorize?{query}")
    }

    /// Asks the token endpoint: status and JSON.
    pub(crate) async fn token(&self, base: &str, fields: &[(&str, &str)]) -> anyhow::Result<(u16, Value)> {
        let basic = STANDARD.encode(format!("{}:{}", self.id, self.secret));
        let request =
            reqwest::Client::new().post(format!("{base}/token")).header("authorization", format!("Basic {basic}"));
        let answer = request.form(fields).send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// Exchanges the code of a login.
    pub(crate) async fn exchange(&self, base: &str, code: &str) -> anyhow::Result<Value> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        match self.token(base, &fields).await? {
            (200, tokens) => Ok(tokens),
            other => anyhow::bail!("no tokens: {other:?}"),
        }
    }

    /// Uses a refresh token: status and JSON.
    pub(crate) async fn refresh(&self, base: &str, token: &str) -> anyhow::Result<(u16, Value)> {
        self.token(base, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }
}

/// What an ID token says, unchecked.
pub(crate) fn claims(tokens: &Value) -> anyhow::Result<Value> {
    let token = tokens["id_token"].as_str().context("no ID token")?;
    let body = token.split('.').nth(1).context("no body")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body)?)?)
}

/// A page, or where the browser was sent.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// The address outside that the browser was sent to.
    pub(crate) sent_to: Option<Url>,
}

impl Page {
    /// A field of the page's form, or its action.
    pub(crate) fn between(&self, before: &str, after: &str) -> anyhow::Result<String> {
        let found = self.text.split_once(before).and_then(|(_, rest)| rest.split_once(after));
        let (found, _) = found.with_context(|| format!("no {before} on the page: {}", self.text))?;
        Ok(found.to_owned())
    }

    /// The code that the service got.
    pub(crate) fn code(&self) -> anyhow::Result<String> {
        let url = self.sent_to.as_ref().with_context(|| format!("not sent back: {} {}", self.status, self.text))?;
        ensure!(url.as_str().starts_with(REDIRECT), "sent to {url}");
        let fields: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        ensure!(fields.get("state").is_some_and(|state| state == "state-1"), "another state: {url}");
        fields.get("code").cloned().with_context(|| format!("no code in {url}"))
    }

    /// Fails unless it has these words and this status.
    pub(crate) fn shows(&self, status: u16, words: &str) -> anyhow::Result<()> {
        let plain = self.text.replace("&#38;", "&").replace("&#39;", "'");
        ensure!(self.status == status && plain.contains(words), "{} instead of {status} {words}: {plain}", self.status);
        Ok(())
    }
}

/// A browser: cookies, forms, redirects.
pub(crate) struct Visitor {
    http: reqwest::Client,
    /// The server that it speaks to, without a slash at the end.
    pub(crate) base: String,
    /// Its cookies.
    pub(crate) jar: BTreeMap<String, String>,
    address: String,
}

impl Visitor {
    /// One that visits `base` and knows nothing yet.
    pub(crate) fn new(base: &str) -> anyhow::Result<Visitor> {
        Ok(Visitor::with(base, reqwest::Client::builder().redirect(Policy::none()).build()?))
    }

    /// One with an HTTP client of its own, which follows nothing.
    pub(crate) fn with(base: &str, http: reqwest::Client) -> Visitor {
        let number = random();
        let address = format!("10.{}.{}.{}", number % 256, number / 256 % 256, number / 65_536 % 256);
        Visitor { http, base: base.to_owned(), jar: BTreeMap::new(), address }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> anyhow::Result<Page> {
        let cookies: Vec<String> = self.jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("cookie", cookies.join("; ")).header("x-forwarded-for", &self.address);
        let answer = request.send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let (name, value) = cookie.to_str()?.split_once('=').context("an odd cookie")?;
            self.jar.insert(name.to_owned(), value.split(';').next().unwrap_or_default().to_owned());
        }
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Page { status, headers, text: answer.text().await?, sent_to: None })
    }

    /// Goes somewhere, and follows redirects until they lead outside.
    pub(crate) async fn get(&mut self, path: &str) -> anyhow::Result<Page> {
        let page = self.send(self.http.get(format!("{}{path}", self.base))).await?;
        self.follow(page).await
    }

    async fn follow(&mut self, mut page: Page) -> anyhow::Result<Page> {
        while page.status == 303 {
            let to = page.headers.get(LOCATION).context("no location")?.to_str()?.to_owned();
            if !to.starts_with('/') {
                return Ok(Page { sent_to: Some(Url::parse(&to)?), ..page });
            }
            page = self.send(self.http.get(format!("{}{to}", self.base))).await?;
        }
        Ok(page)
    }

    /// Fills a page's form in and sends it.
    pub(crate) async fn answer(&mut self, page: &Page, fields: &[(&str, &str)]) -> anyhow::Result<Page> {
        let csrf = page.between("name=\"csrf\" value=\"", "\"")?;
        let action = page.between("method=\"post\" action=\"", "\"")?;
        let form: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        let page = self.send(self.http.post(format!("{}{action}", self.base)).form(&form)).await?;
        self.follow(page).await
    }

    /// Comes from a service and gives identifier and password.
    pub(crate) async fn password(&mut self, service: &Service, person: &Person) -> anyhow::Result<Page> {
        let page = self.get(&service.request()).await?;
        page.shows(200, "Logg inn med MinID")?;
        self.answer(&page, &[("fnr", &person.fnr), ("password", person.password), ("do", "next")]).await
    }

    /// Gives the one-time code.
    pub(crate) async fn code(&mut self, page: &Page, code: &str) -> anyhow::Result<Page> {
        self.answer(page, &[("code", code), ("do", "next")]).await
    }
}

/// The one-time code in a message.
pub(crate) fn code_in(message: &str) -> anyhow::Result<String> {
    let digits: String = message.chars().skip_while(|c| !c.is_ascii_digit()).take(5).collect();
    ensure!(digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit()), "no code in {message:?}");
    Ok(digits)
}

/// A registration with everything that a file may hold.
pub(crate) fn whole_registration() -> Value {
    json!({
        "client_id": "byggesak-1",
        "client_secret": "en-hemmelighet-som-er-lang-nok",
        "client_name": "Byggesak i Fjordvik",
        "display_name": "Byggesøknad",
        "description": "Søknader om å bygge",
        "client_uri": "https://byggesak.example.no/",
        "client_orgno": "991825827",
        "supplier_orgno": "889640782",
        "integration_type": "idporten",
        "application_type": "web",
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": ["openid", "profile"],
        "redirect_uris": ["https://byggesak.example.no/inn", "https://byggesak.example.no/ny/inn"],
        "post_logout_redirect_uris": ["https://byggesak.example.no/ut"],
        "frontchannel_logout_session_required": true,
        "backchannel_logout_session_required": false,
        "backchannel_logout_on_expiry": false,
        "access_token_lifetime": 60,
        "refresh_token_lifetime": 300,
        "authorization_lifetime": 3600,
        "refresh_token_usage": "REUSE",
        "sso_disabled": true,
        "sso_mode": "isolated",
        "code_challenge_method": "none",
        "id_token_signed_response_alg": "ES256",
        "authorization_details_types": ["fullmakt"],
        "onbehalfof": [{
            "onbehalfof": "kommune-1",
            "display_name": "Vik kommune",
            "orgno": "991825827",
            "url": "https://vik.example.no/",
        }],
        "require_pushed_authorization_requests": true,
        "require_signed_request_object": false,
        "request_object_signing_alg": "PS256",
        "response_modes": ["form_post", "query.jwt"],
        "authorization_signed_response_alg": "PS256",
        "dpop_bound_access_tokens": true,
        "dpop_nonce_required": true,
        "userinfo_signed_response_alg": "EdDSA",
        "introspection_signed_response_alg": "ES256",
        "active": true,
    })
}
