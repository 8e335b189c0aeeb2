//! WebAuthn (W3C Web Authentication Level 3) as this house uses it: user verification always, one exact origin, and
//! ceremonies whose state stays on our side.

use std::sync::Arc;

use anyhow::Context;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::WebauthnBuilder;
use webauthn_rs::prelude::{
    AuthenticationResult, DiscoverableAuthentication, Passkey, PasskeyAuthentication, PasskeyRegistration,
    PublicKeyCredential, RegisterPublicKeyCredential,
};

use crate::person::PersonId;

/// The relying party. Cheap to clone.
#[derive(Clone)]
pub struct Webauthn(Option<Arc<webauthn_rs::Webauthn>>);

/// What a browser is asked (the argument of `navigator.credentials`, as JSON), and what the answer is held against.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ceremony {
    /// For the browser.
    pub options: String,
    /// For us alone.
    state: String,
}

/// What a credential is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A passkey: it says by itself whose it is.
    Passkey,
    /// The MinID app on this very machine.
    Device,
}

/// A credential with its name.
pub struct Made {
    /// Its id.
    pub id: String,
    /// What is kept of it, as JSON.
    pub credential: String,
}

/// A credential that has signed.
pub struct Signed {
    /// Its id.
    pub id: String,
    result: AuthenticationResult,
}

impl Webauthn {
    /// For the pages at this origin. An address that is no name (`https://192.0.2.1`) can have none.
    pub fn of(origin: &Url) -> anyhow::Result<Webauthn> {
        let Some(host) = origin.domain() else { return Ok(Webauthn(None)) };
        let builder = WebauthnBuilder::new(host, origin).context("WebAuthn")?.rp_name("MinID");
        Ok(Webauthn(Some(Arc::new(builder.build().context("WebAuthn")?))))
    }

    /// Where there is none.
    pub fn none() -> Webauthn {
        Webauthn(None)
    }

    /// Whether there is any.
    pub fn is_there(&self) -> bool {
        self.0.is_some()
    }

    fn inside(&self) -> anyhow::Result<&webauthn_rs::Webauthn> {
        self.0.as_deref().context("there is no WebAuthn at this origin")
    }

    /// Begins to make a credential for a person, beside those that they have.
    pub fn begin_making(
        &self,
        person: &PersonId,
        name: &str,
        purpose: Purpose,
        others: &[String],
    ) -> anyhow::Result<Ceremony> {
        let others = others.iter().filter_map(|id| URL_SAFE_NO_PAD.decode(id).ok()).collect();
        let inside = self.inside()?;
        let (options, state) = inside.start_passkey_registration(handle(person, purpose), name, name, Some(others))?;
        let mut options = serde_json::to_value(options)?;
        let wish = match purpose {
            Purpose::Passkey => serde_json::json!({
                "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
            }),
            Purpose::Device => serde_json::json!({
                "authenticatorAttachment": "platform", "residentKey": "discouraged", "requireResidentKey": false,
                "userVerification": "required",
            }),
        };
        if let Some(public_key) = options.get_mut("publicKey").and_then(Value::as_object_mut) {
            public_key.insert("authenticatorSelection".into(), wish);
        }
        Ok(Ceremony { options: options.to_string(), state: serde_json::to_string(&state)? })
    }

    /// What was made, if the answer is one to this ceremony.
    pub fn made(&self, ceremony: &Ceremony, answer: &str) -> anyhow::Result<Option<Made>> {
        let state: PasskeyRegistration = serde_json::from_str(&ceremony.state)?;
        let Ok(answer) = serde_json::from_str::<RegisterPublicKeyCredential>(answer) else { return Ok(None) };
        match self.inside()?.finish_passkey_registration(&answer, &state) {
            Ok(passkey) => Ok(Some(Made {
                id: URL_SAFE_NO_PAD.encode(passkey.cred_id()),
                credential: serde_json::to_string(&passkey)?,
            })),
            Err(error) => {
                tracing::info!(%error, "a new credential was refused");
                Ok(None)
            }
        }
    }

    /// Asks for a signature by one of these credentials.
    pub fn ask(&self, credentials: &[String]) -> anyhow::Result<Ceremony> {
        let passkeys = read_all(credentials)?;
        let (options, state) = self.inside()?.start_passkey_authentication(&passkeys)?;
        Ok(Ceremony { options: serde_json::to_string(&options)?, state: serde_json::to_string(&state)? })
    }

    /// Asks whoever is there for a signature (conditional mediation: the browser offers it beside passwords).
    pub fn ask_anybody(&self) -> anyhow::Result<Ceremony> {
        let (options, state) = self.inside()?.start_discoverable_authentication()?;
        Ok(Ceremony { options: serde_json::to_string(&options)?, state: serde_json::to_string(&state)? })
    }

    /// Whose credential an answer claims to be by: its id. Nothing is believed of it yet.
    pub fn claimed(answer: &str) -> Option<String> {
        let answer = serde_json::from_str::<PublicKeyCredential>(answer).ok()?;
        Some(URL_SAFE_NO_PAD.encode(answer.get_credential_id()))
    }

    /// The signature, if the answer is a right one to this ceremony, by one of the credentials that were asked.
    pub fn signed(&self, ceremony: &Ceremony, answer: &str) -> anyhow::Result<Option<Signed>> {
        let state: PasskeyAuthentication = serde_json::from_str(&ceremony.state)?;
        let Ok(answer) = serde_json::from_str::<PublicKeyCredential>(answer) else { return Ok(None) };
        Ok(told(self.inside()?.finish_passkey_authentication(&answer, &state)))
    }

    /// The signature, if the answer is one to a question to anybody, by this credential of this person.
    pub fn signed_by(
        &self,
        ceremony: &Ceremony,
        answer: &str,
        credential: &str,
        person: &PersonId,
    ) -> anyhow::Result<Option<Signed>> {
        let state: DiscoverableAuthentication = serde_json::from_str(&ceremony.state)?;
        let Ok(answer) = serde_json::from_str::<PublicKeyCredential>(answer) else { return Ok(None) };
        let inside = self.inside()?;
        // Level 3, 7.2, step 6: the user handle is there, and the person's.
        let named = inside.identify_discoverable_authentication(&answer).ok();
        if named.is_none_or(|(named, _)| named != handle(person, Purpose::Passkey)) {
            return Ok(None);
        }
        let key: Passkey = serde_json::from_str(credential)?;
        Ok(told(inside.finish_discoverable_authentication_v2(&answer, state, &key)))
    }

    /// The signature over exactly these words: their SHA-256 is the challenge.
    pub fn signed_words(&self, words: &str, answer: &str, credential: &str) -> anyhow::Result<Option<Signed>> {
        let mut ceremony = self.ask(&[credential.to_owned()])?;
        let mut state: Value = serde_json::from_str(&ceremony.state)?;
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, words.as_bytes()));
        let place = state.pointer_mut("/ast/challenge").context("WebAuthn's state has no challenge")?;
        *place = Value::String(challenge);
        ceremony.state = state.to_string();
        self.signed(&ceremony, answer)
    }
}

fn told<E: std::fmt::Display>(result: Result<AuthenticationResult, E>) -> Option<Signed> {
    match result {
        // The library wants it, and so do we.
        Ok(result) if result.user_verified() => Some(Signed { id: URL_SAFE_NO_PAD.encode(result.cred_id()), result }),
        Ok(_) => None,
        Err(error) => {
            tracing::info!(%error, "a signature was refused");
            None
        }
    }
}

impl Signed {
    /// What is to be kept of the credential from now on: its counter has moved (Level 3, 7.2, step 22).
    pub fn renewed(&self, credential: &str) -> anyhow::Result<String> {
        let mut passkey: Passkey = serde_json::from_str(credential)?;
        passkey.update_credential(&self.result);
        Ok(serde_json::to_string(&passkey)?)
    }
}

fn read_all(credentials: &[String]) -> anyhow::Result<Vec<Passkey>> {
    credentials.iter().map(|text| serde_json::from_str(text).context("a stored credential cannot be read")).collect()
}

/// The name by which authenticators know a person; it tells nobody who they are. Of those with the same name an
/// authenticator may keep the last one only, so a passkey and the app have another.
fn handle(person: &PersonId, purpose: Purpose) -> Uuid {
    let what = match purpose {
        Purpose::Passkey => "user",
        Purpose::Device => "device of",
    };
    let digest = digest::digest(&digest::SHA256, format!("webauthn {what} {}", person.as_str()).as_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
    Uuid::from_bytes(bytes)
}
