//! What a module has in its hands: the provider as it presents itself, a citizen, the calls of the clients, and
//! the checks that go with each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::check;
use crate::jose::{Draft, Jwt, Key, now, random, sha256};
use crate::op::{Call, Fields, Reply, Request, with_query};
use crate::person::{Answer, End, Page, Person};
use crate::provider::{Client, Kind, Provider};

/// How a plan wants its answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As it is without `response_mode`.
    Plain,
    /// `response_mode=form_post`
    FormPost,
    /// FAPI 2.0 message signing: requests and answers are signed.
    Signed,
}

/// How a module ends that has not failed.
#[derive(Debug)]
pub(crate) enum Verdict {
    Passed,
    /// Not applicable to this provider, and why.
    Skipped(String),
}

/// What a module says at its end.
pub(crate) type Told = anyhow::Result<Verdict>;

/// The end of a module that does not apply here.
pub(crate) fn skipped(why: impl Into<String>) -> Verdict {
    Verdict::Skipped(why.into())
}

/// A login that was carried through.
pub(crate) struct Login {
    pub(crate) request: Request,
    pub(crate) answer: Answer,
    pub(crate) tokens: Value,
    pub(crate) id_token: Jwt,
    pub(crate) userinfo: Value,
}

impl Login {
    /// A text in the token answer.
    pub(crate) fn token(&self, name: &str) -> &str {
        self.tokens[name].as_str().unwrap_or_default()
    }

    /// A claim of the ID token.
    pub(crate) fn claim(&self, name: &str) -> &Value {
        &self.id_token.claims[name]
    }

    /// When the citizen logged in.
    pub(crate) fn auth_time(&self) -> anyhow::Result<i64> {
        self.claim("auth_time").as_i64().context("no auth_time")
    }
}

/// A module as it runs.
pub(crate) struct Story {
    pub(crate) provider: Arc<Provider>,
    pub(crate) metadata: Value,
    pub(crate) jwks: Value,
    /// The key of the proofs (RFC 9449).
    pub(crate) dpop: Key,
    mode: Mode,
    person: Option<Person>,
    wishes: Arc<Mutex<Vec<String>>>,
    turns: Arc<Semaphore>,
    turn: Option<OwnedSemaphorePermit>,
}

impl Story {
    /// Waits for its turn, and reads discovery and keys.
    pub(crate) async fn begin(
        provider: Arc<Provider>,
        mode: Mode,
        wishes: Arc<Mutex<Vec<String>>>,
        turns: Arc<Semaphore>,
    ) -> anyhow::Result<Story> {
        let turn = Some(turns.clone().acquire_owned().await?);
        let place = format!("{}/.well-known/openid-configuration", provider.issuer);
        let metadata = Call::new(&provider.http, Method::GET, &place).send().await?;
        ensure!(metadata.status == 200 && metadata.json.is_object(), "discovery: {}", metadata.status);
        let jwks = Call::new(&provider.http, Method::GET, metadata.get("jwks_uri")?).send().await?;
        ensure!(jwks.status == 200 && jwks.json["keys"].is_array(), "jwks_uri: {}", jwks.status);
        let (metadata, jwks, dpop) = (metadata.json, jwks.json, Key::es256("dpop")?);
        Ok(Story { provider, metadata, jwks, dpop, mode, person: None, wishes, turns, turn })
    }

    /// Notes something that is a warning in the suite.
    pub(crate) fn warn(&self, words: impl Into<String>) {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner).push(words.into());
    }

    /// Waits, and lets others go on in the meantime.
    pub(crate) async fn wait(&mut self, seconds: u64) -> anyhow::Result<()> {
        self.turn = None;
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        self.turn = Some(self.turns.clone().acquire_owned().await?);
        Ok(())
    }

    /// An endpoint by its name in the metadata.
    pub(crate) fn endpoint(&self, name: &str) -> anyhow::Result<String> {
        check::https(&self.metadata, name)
    }

    /// Whether a list in the metadata has a value.
    pub(crate) fn supports(&self, list: &str, value: &str) -> bool {
        self.metadata[list].as_array().is_some_and(|many| many.iter().any(|own| own == value))
    }

    /// The citizen.
    pub(crate) async fn person(&mut self) -> anyhow::Result<&mut Person> {
        match self.person {
            Some(ref mut person) => Ok(person),
            None => Ok(self.person.insert(Person::new(&self.provider).await?)),
        }
    }

    /// How many times the citizen has been asked who they are.
    pub(crate) fn asked(&self) -> usize {
        self.person.as_ref().map_or(0, |person| person.asked)
    }

    /// A client by its name; where requests are signed, the one that does so.
    pub(crate) fn client(&self, name: &str) -> anyhow::Result<Client> {
        match self.mode {
            Mode::Signed => self.provider.client(&name.replace("fapi-", "signing-")),
            Mode::Plain | Mode::FormPost => self.provider.client(name),
        }
    }

    /// The plain request of a client.
    pub(crate) fn request(&self, client: &str) -> anyhow::Result<Request> {
        let client = self.client(client)?;
        let verifier = random(43)?;
        let (state, nonce, challenge) = (random(24)?, random(24)?, sha256(&verifier));
        let (id, redirect_uri, scope) = (client.id.clone(), client.redirect_uri.clone(), client.scope.clone());
        let kind = client.kind;
        let request = Request { client, fields: Fields::new(), verifier, beside: Fields::new() }
            .with("response_type", "code")
            .with("client_id", &id)
            .with("redirect_uri", &redirect_uri)
            .with("scope", &scope)
            .with("state", &state)
            .with("nonce", &nonce);
        let request = match self.mode {
            Mode::FormPost => request.with("response_mode", "form_post"),
            Mode::Plain | Mode::Signed => request,
        };
        let proved =
            |request: Request| request.with("code_challenge", &challenge).with("code_challenge_method", "S256");
        Ok(match kind {
            Kind::Basic | Kind::Post => request,
            Kind::Fapi => proved(request),
            Kind::Signing => proved(request).with("response_mode", "jwt"),
        })
    }

    /// Where the browser is sent with a request; who must push it has done so.
    pub(crate) async fn front(&self, request: &Request) -> anyhow::Result<String> {
        match request.client.is_fapi() {
            false => Ok(with_query(&self.endpoint("authorization_endpoint")?, &request.fields)),
            true => {
                let request_uri = self.pushed(self.push(request)?).await?;
                self.front_with(request, &request_uri)
            }
        }
    }

    /// Where the browser is sent with a pushed request.
    pub(crate) fn front_with(&self, request: &Request, request_uri: &str) -> anyhow::Result<String> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut fields = vec![pair("client_id", &request.client.id), pair("request_uri", request_uri)];
        fields.extend(request.beside.iter().cloned());
        Ok(with_query(&self.endpoint("authorization_endpoint")?, &fields))
    }

    /// A push (RFC 9126 2.1).
    pub(crate) fn push(&self, request: &Request) -> anyhow::Result<Call> {
        match request.client.kind {
            Kind::Signing => self.push_object(request, &self.object(request)?),
            _ => {
                let call = self.post("pushed_authorization_request_endpoint")?.fields(&request.fields);
                self.credentials(call, &request.client)
            }
        }
    }

    /// A push of a request object (RFC 9126 3).
    pub(crate) fn push_object(&self, request: &Request, object: &Draft) -> anyhow::Result<Call> {
        let call = self.post("pushed_authorization_request_endpoint")?.with("client_id", &request.client.id);
        self.credentials(call.with("request", &object.token()?), &request.client)
    }

    /// The request as a JWT (RFC 9101 4).
    pub(crate) fn object(&self, request: &Request) -> anyhow::Result<Draft> {
        let now = now()?;
        let client = &request.client;
        let mut claims = json!({
            "iss": client.id, "aud": self.provider.issuer, "iat": now, "nbf": now, "exp": now + 300, "jti": random(24)?,
        });
        for (name, value) in &request.fields {
            claims[name] = json!(value);
        }
        Ok(Draft::new(&client.key, "oauth-authz-req+jwt", claims).headed("kid", client.key.kid.clone()))
    }

    /// Sends a push that must go well, and says what it is called.
    pub(crate) async fn pushed(&self, call: Call) -> anyhow::Result<String> {
        let reply = call.send().await?;
        ensure!(reply.status == 201, "the push: {} {}", reply.status, reply.text);
        let expires = reply.json["expires_in"].as_i64().context("no expires_in")?;
        ensure!((5..=365 * 86_400).contains(&expires), "the push expires in {expires} s");
        let request_uri = reply.get("request_uri")?;
        ensure!(check::entropy(request_uri) >= 96.0, "{request_uri} can be guessed");
        Ok(request_uri.to_owned())
    }

    /// A POST to an endpoint.
    pub(crate) fn post(&self, endpoint: &str) -> anyhow::Result<Call> {
        Ok(Call::new(&self.provider.http, Method::POST, &self.endpoint(endpoint)?))
    }

    /// The client's own way to say who it is.
    pub(crate) fn credentials(&self, call: Call, client: &Client) -> anyhow::Result<Call> {
        Ok(match client.kind {
            Kind::Basic => call.basic(client),
            Kind::Post => call.with("client_id", &client.id).with("client_secret", &client.secret),
            Kind::Fapi | Kind::Signing => {
                let assertion = self.assertion(client)?;
                call.with("client_id", &client.id).assertion(assertion)
            }
        })
    }

    /// RFC 7523 3, with the issuer as audience (FAPI 2.0 Security Profile 5.3.2.1).
    pub(crate) fn assertion(&self, client: &Client) -> anyhow::Result<Draft> {
        let now = now()?;
        let claims = json!({
            "iss": client.id, "sub": client.id, "aud": self.provider.issuer,
            "iat": now, "nbf": now, "exp": now + 60, "jti": random(24)?,
        });
        Ok(Draft::new(&client.key, "JWT", claims).headed("kid", client.key.kid.clone()))
    }

    /// RFC 9449 4.2
    pub(crate) fn proof(&self, method: &str, url: &str) -> anyhow::Result<Draft> {
        let claims = json!({ "jti": random(24)?, "htm": method, "htu": url, "iat": now()? });
        Ok(Draft::new(&self.dpop, "dpop+jwt", claims).headed("jwk", self.dpop.bare()?))
    }

    /// The exchange of a code (RFC 6749 4.1.3).
    pub(crate) fn token(&self, request: &Request, code: &str) -> anyhow::Result<Call> {
        let client = &request.client;
        let redirect_uri = request.get("redirect_uri").unwrap_or(&client.redirect_uri);
        let call = self.post("token_endpoint")?.with("grant_type", "authorization_code");
        let call = call.with("code", code).with("redirect_uri", redirect_uri);
        let call = match request.get("code_challenge") {
            Some(_) => call.with("code_verifier", &request.verifier),
            None => call,
        };
        self.bound(self.credentials(call, client)?, client)
    }

    /// The use of a refresh token (RFC 6749 6).
    pub(crate) fn refresh(&self, client: &Client, token: &str) -> anyhow::Result<Call> {
        let call = self.post("token_endpoint")?.with("grant_type", "refresh_token").with("refresh_token", token);
        self.bound(self.credentials(call, client)?, client)
    }

    fn bound(&self, call: Call, client: &Client) -> anyhow::Result<Call> {
        match client.is_fapi() {
            true => Ok(call.proof(self.proof("POST", &self.endpoint("token_endpoint")?)?)),
            false => Ok(call),
        }
    }

    /// A request for userinfo, which stands for all resources.
    pub(crate) fn resource(&self, client: &Client, token: &str) -> anyhow::Result<Call> {
        let place = self.endpoint("userinfo_endpoint")?;
        let call = Call::new(&self.provider.http, Method::GET, &place);
        match client.is_fapi() {
            false => Ok(call.header("authorization", &format!("Bearer {token}"))),
            true => {
                let proof = self.proof("GET", &place)?.with("ath", sha256(token));
                Ok(call.header("authorization", &format!("DPoP {token}")).proof(proof))
            }
        }
    }

    /// Sends the browser off with a request, to wherever it ends.
    pub(crate) async fn end(&mut self, request: &Request) -> anyhow::Result<End> {
        let front = self.front(request).await?;
        self.end_at(request, &front).await
    }

    /// Sends the browser to an address.
    pub(crate) async fn end_at(&mut self, request: &Request, front: &str) -> anyhow::Result<End> {
        let end = self.person().await?.go(front).await?;
        self.open(request, end)
    }

    /// Opens an answer that is signed (JARM 2.4).
    pub(crate) fn open(&self, request: &Request, end: End) -> anyhow::Result<End> {
        let End::Back(mut answer) = end else { return Ok(end) };
        if request.get("response_mode") != Some("jwt") {
            return Ok(End::Back(answer));
        }
        let own = answer.fields.iter().filter(|(name, _)| !request.client.redirect_uri.contains(name.as_str()));
        ensure!(own.count() == 1, "beside the signed answer: {:?}", answer.fields);
        let jwt = Jwt::verified(answer.get("response").context("no response")?, &self.jwks)?;
        let claims = &jwt.claims;
        ensure!(claims["iss"] == self.provider.issuer.as_str(), "the answer's iss is {}", claims["iss"]);
        ensure!(claims["aud"] == request.client.id.as_str(), "the answer's aud is {}", claims["aud"]);
        let (exp, now) = (claims["exp"].as_i64().context("the answer has no exp")?, now()?);
        ensure!(exp > now && exp <= now + 600, "the answer's exp is {exp}");
        let strong = ["PS256", "ES256", "EdDSA"].iter().any(|name| jwt.header["alg"] == *name);
        ensure!(strong, "the answer is signed by {}", jwt.header["alg"]);
        let texts = claims.as_object().context("no claims")?.iter();
        answer.fields = texts.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        answer.signed = Some(jwt);
        Ok(End::Back(answer))
    }

    /// A request that must be granted.
    pub(crate) async fn granted(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let end = self.end(request).await?;
        self.is_granted(request, end)
    }

    /// An end that must be a code.
    pub(crate) fn is_granted(&self, request: &Request, end: End) -> anyhow::Result<Answer> {
        match end {
            End::Back(answer) => {
                check::answer(request, &answer, &self.provider.issuer)?;
                Ok(answer)
            }
            End::Page(page) => bail!("it ended on a page: {} {}", page.status, page.title()),
        }
    }

    /// Exchanges a code and asks for userinfo.
    pub(crate) async fn exchange(&self, request: &Request, answer: Answer) -> anyhow::Result<Login> {
        let reply = self.token(request, answer.code())?.send().await?;
        self.login(request, answer, &reply).await
    }

    /// Checks a token answer and asks for userinfo.
    pub(crate) async fn login(&self, request: &Request, answer: Answer, reply: &Reply) -> anyhow::Result<Login> {
        check::tokens(reply, if request.client.is_fapi() { "DPoP" } else { "Bearer" })?;
        let access_token = reply.get("access_token")?;
        let issuer = self.provider.issuer.as_str();
        let id_token = check::id_token(reply.get("id_token")?, request, (issuer, &self.jwks))?;
        check::hashes(&id_token, access_token, &answer)?;
        let userinfo = self.resource(&request.client, access_token)?.send().await?;
        check::userinfo(&userinfo, &id_token.claims["sub"])?;
        let (request, tokens, userinfo) = (request.clone(), reply.json.clone(), userinfo.json);
        Ok(Login { request, answer, tokens, id_token, userinfo })
    }

    /// All of it.
    pub(crate) async fn log_in(&mut self, request: &Request) -> anyhow::Result<Login> {
        let answer = self.granted(request).await?;
        self.exchange(request, answer).await
    }

    /// All of it, with the plain request of a client.
    pub(crate) async fn log_in_at(&mut self, client: &str) -> anyhow::Result<Login> {
        let request = self.request(client)?;
        self.log_in(&request).await
    }

    /// A request that must end with one of these errors at the `redirect_uri`.
    pub(crate) async fn told(&mut self, request: &Request, errors: &[&str]) -> anyhow::Result<()> {
        match self.end(request).await? {
            End::Back(answer) => self.is_error(request, &answer, errors),
            End::Page(page) => bail!("it ended on a page: {} {}", page.status, page.title()),
        }
    }

    /// A request that must end with one of these errors, or on an error page.
    pub(crate) async fn told_or_stopped(&mut self, request: &Request, errors: &[&str]) -> anyhow::Result<()> {
        let end = self.end(request).await?;
        self.is_refusal(request, end, errors)
    }

    /// An end that must be one of these errors, or an error page.
    pub(crate) fn is_refusal(&self, request: &Request, end: End, errors: &[&str]) -> anyhow::Result<()> {
        match end {
            End::Back(answer) => self.is_error(request, &answer, errors),
            End::Page(page) => is_stop(&page),
        }
    }

    /// An answer that must be one of these errors.
    pub(crate) fn is_error(&self, request: &Request, answer: &Answer, errors: &[&str]) -> anyhow::Result<()> {
        let wishes = check::error(request, answer, &self.provider.issuer, errors)?;
        for wish in wishes {
            self.warn(wish);
        }
        Ok(())
    }

    /// A request that must end on an error page.
    pub(crate) async fn stopped(&mut self, request: &Request) -> anyhow::Result<()> {
        match self.end(request).await? {
            End::Back(answer) => bail!("the browser was sent to {}", answer.url),
            End::Page(page) => is_stop(&page),
        }
    }

    /// A push that must be refused with one of these errors, or the request that it becomes.
    pub(crate) async fn push_refused(&mut self, request: &Request, call: Call, errors: &[&str]) -> anyhow::Result<()> {
        let reply = call.send().await?;
        if reply.status != 201 {
            return check::refused(&reply, errors);
        }
        let front = self.front_with(request, reply.get("request_uri")?)?;
        let end = self.end_at(request, &front).await?;
        self.is_refusal(request, end, errors)
    }
}

/// A page must be an error page.
pub(crate) fn is_stop(page: &Page) -> anyhow::Result<()> {
    ensure!(!page.asks_for_login(), "it asks for a log-in");
    ensure!(page.status >= 400, "no error page: {} {}", page.status, page.title());
    Ok(())
}
