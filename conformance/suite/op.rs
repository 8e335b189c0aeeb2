//! What a relying party sends to the provider, and what it gets.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::jose::{Draft, random};
use crate::provider::Client;

/// Names and values, in their order.
pub(crate) type Fields = Vec<(String, String)>;

/// Puts a value in the place of what it was.
fn set(fields: &mut Fields, name: &str, value: &str) {
    match fields.iter_mut().find(|(own, _)| own == name) {
        Some(field) => value.clone_into(&mut field.1),
        None => fields.push((name.to_owned(), value.to_owned())),
    }
}

/// An authorization request, and what the client remembers of it.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) client: Client,
    pub(crate) fields: Fields,
    /// RFC 7636 4.1
    pub(crate) verifier: String,
    /// Beside `request_uri`, at the front door.
    pub(crate) beside: Fields,
}

impl Request {
    /// With a parameter.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Request {
        set(&mut self.fields, name, value);
        self
    }

    /// Without a parameter.
    pub(crate) fn without(mut self, name: &str) -> Request {
        self.fields.retain(|(own, _)| own != name);
        self
    }

    /// With a parameter that stands at the front door only.
    pub(crate) fn beside(mut self, name: &str, value: &str) -> Request {
        set(&mut self.beside, name, value);
        self
    }

    /// A parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// An address with a query.
pub(crate) fn with_query(url: &str, fields: &Fields) -> String {
    let query = Serializer::new(String::new()).extend_pairs(fields).finish();
    match (fields.is_empty(), url.contains('?')) {
        (true, _) => url.to_owned(),
        (false, true) => format!("{url}&{query}"),
        (false, false) => format!("{url}?{query}"),
    }
}

/// A call of a client to the provider that can still be changed.
#[derive(Clone)]
pub(crate) struct Call {
    http: reqwest::Client,
    method: Method,
    pub(crate) url: String,
    /// What goes in the body; a GET has none.
    pub(crate) form: Fields,
    headers: Fields,
    /// RFC 7523 2.2
    assertion: Option<Draft>,
    /// RFC 9449 4.2
    proof: Option<Draft>,
}

impl Call {
    /// A call without credentials.
    pub(crate) fn new(http: &reqwest::Client, method: Method, url: &str) -> Call {
        let (form, headers) = (Fields::new(), Fields::new());
        Call { http: http.clone(), method, url: url.to_owned(), form, headers, assertion: None, proof: None }
    }

    /// With a field in its form.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Call {
        set(&mut self.form, name, value);
        self
    }

    /// Without a field.
    pub(crate) fn without(mut self, name: &str) -> Call {
        self.form.retain(|(own, _)| own != name);
        self
    }

    /// With other fields.
    pub(crate) fn fields(mut self, fields: &Fields) -> Call {
        for (name, value) in fields {
            set(&mut self.form, name, value);
        }
        self
    }

    /// With a header.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Call {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Without a header.
    pub(crate) fn headless(mut self, name: &str) -> Call {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    /// RFC 6749 2.3.1
    pub(crate) fn basic(self, client: &Client) -> Call {
        let part = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = STANDARD.encode(format!("{}:{}", part(&client.id), part(&client.secret)));
        self.header("authorization", &format!("Basic {pair}"))
    }

    /// With this assertion instead of what it was.
    pub(crate) fn assertion(mut self, assertion: Draft) -> Call {
        self.assertion = Some(assertion);
        self
    }

    /// With its assertion changed.
    pub(crate) fn asserting(mut self, change: impl FnOnce(Draft) -> Draft) -> Call {
        self.assertion = self.assertion.map(change);
        self
    }

    /// Without an assertion.
    pub(crate) fn unasserted(mut self) -> Call {
        self.assertion = None;
        self
    }

    /// With this proof instead of what it was.
    pub(crate) fn proof(mut self, proof: Draft) -> Call {
        self.proof = Some(proof);
        self
    }

    /// With its proof changed.
    pub(crate) fn proving(mut self, change: impl FnOnce(Draft) -> Draft) -> Call {
        self.proof = self.proof.map(change);
        self
    }

    /// Without a proof.
    pub(crate) fn unproved(mut self) -> Call {
        self.proof = None;
        self
    }

    /// Sends it; a nonce that the provider asks for is put into the proof (RFC 9449 8).
    pub(crate) async fn send(self) -> anyhow::Result<Reply> {
        let again = self.clone();
        let reply = self.once().await?;
        let nonce = reply.headers.get("dpop-nonce").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let asked = reply.text.contains("use_dpop_nonce") || reply.challenge().contains("use_dpop_nonce");
        match nonce {
            Some(nonce) if asked => {
                let fresh = random(24)?;
                let again = again.proving(|proof| proof.with("nonce", nonce).with("jti", fresh.clone()));
                again.asserting(|assertion| assertion.with("jti", format!("{fresh}-again"))).once().await
            }
            _ => Ok(reply),
        }
    }

    async fn once(self) -> anyhow::Result<Reply> {
        let mut form = self.form;
        if let Some(assertion) = &self.assertion {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            set(&mut form, "client_assertion_type", kind);
            set(&mut form, "client_assertion", &assertion.token()?);
        }
        let mut request = self.http.request(self.method.clone(), Url::parse(&self.url)?);
        if let Some(proof) = &self.proof {
            request = request.header("dpop", proof.token()?);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = match self.method == Method::GET {
            true => request,
            false => request.form(&form),
        };
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        Ok(Reply { status, headers, json: serde_json::from_str(&text).unwrap_or(Value::Null), text })
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `null` if it was none.
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Reply {
    /// A text in the JSON.
    pub(crate) fn get(&self, name: &str) -> anyhow::Result<&str> {
        self.json[name].as_str().with_context(|| format!("no {name} in {} {}", self.status, self.text))
    }

    /// A header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn challenge(&self) -> &str {
        self.header("www-authenticate")
    }
}
