//! The parameters of a request, from the query and the form, each at most once.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::error::OAuthError;

/// Names and values in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(text: &str) -> Params {
        Params(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The one value of a parameter. One without a value counts as not sent (RFC 6749 3.1).
    pub fn one(&self, name: &str) -> Result<Option<&str>, OAuthError> {
        let mut values = self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (first, None) => Ok(first.filter(|value| !value.is_empty())),
            (_, Some(_)) => Err(twice(name)),
        }
    }

    /// The same for forms of our own, where a doubled field is as good as none.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.one(name).ok().flatten()
    }

    /// All values of a parameter that may come more than once.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// No parameter comes more than once (RFC 6749 3.1, 3.2) but `resource`, which may (RFC 8707 2).
    pub fn each_once(&self) -> Result<(), OAuthError> {
        let names = self.0.iter().map(|(name, _)| name.as_str()).filter(|name| *name != "resource");
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        let repeated = names.windows(2).find_map(|pair| match pair {
            [one, other] if one == other => Some(*one),
            _ => None,
        });
        match repeated {
            Some(name) => Err(twice(name)),
            None => Ok(()),
        }
    }

    /// The same parameters as they stand in a JSON object.
    pub fn of_json(fields: impl IntoIterator<Item = (String, Value)>) -> Params {
        let mut params = Vec::new();
        for (name, value) in fields {
            match value {
                Value::Null => {}
                Value::String(text) => params.push((name, text)),
                Value::Array(many) if name == "resource" => {
                    let text = |one: &Value| one.as_str().map_or_else(|| one.to_string(), str::to_owned);
                    params.extend(many.iter().map(|one| (name.clone(), text(one))));
                }
                other => params.push((name, other.to_string())),
            }
        }
        Params(params)
    }

    /// Takes in one more, from a form that comes in parts.
    pub fn add(&mut self, name: String, value: String) {
        self.0.push((name, value));
    }

    /// All of them, for handing on.
    pub fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// `error_description` holds printable ASCII without quotation marks (RFC 6749 4.1.2.1).
fn twice(name: &str) -> OAuthError {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let name: String = name.chars().filter(fits).take(50).collect();
    OAuthError::invalid_request(format!("Parameter {name} is sent more than once."))
}

/// The parameters of a form alone: what is in the address stands in logs, and no secret is taken from there
/// (RFC 6749 2.3.1, RFC 9700 4.3.2).
pub struct Form(pub Params);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Response;

    async fn from_request(mut request: Request, state: &S) -> Result<Form, Response> {
        *request.uri_mut() = Uri::default();
        // Machines are answered as OAuth has it (RFC 6749 5.2).
        let wrong_kind = |answer: &Response| answer.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Params::from_request(request, state).await.map(Form).map_err(|answer| match wrong_kind(&answer) {
            true => OAuthError::invalid_request("A form is expected.").into_response(),
            false => answer,
        })
    }
}

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Params, Response> {
        let mut params = Params::parse(request.uri().query().unwrap_or_default());
        if request.method() == Method::POST {
            let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
            let is_form = kind.eq_ignore_ascii_case("application/x-www-form-urlencoded");
            // The size is capped by a layer of the router.
            let body = Bytes::from_request(request, state).await.map_err(IntoResponse::into_response)?;
            match String::from_utf8(body.into()) {
                Ok(text) if is_form => params.0.extend(Params::parse(&text).0),
                Ok(text) if text.is_empty() => {}
                _ => return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "A form is expected.\n").into_response()),
            }
        }
        Ok(params)
    }
}
