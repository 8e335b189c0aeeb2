//! `porten client add|list|show|change|check|remove`

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use authenticators::chance::{Chance, Token};
use authenticators::clock::{Clock, Timestamp};
use authenticators::person::FnrPolicy;
use clap::{Args, Subcommand};
use idp::client::{Client, ClientId, NewSecret};
use idp::client_profile::{self, Profile};
use idp::registration::{ApplicationType, Registration};
use serde_json::{Map, Value, json};

use crate::open::Place;
use crate::say;

/// ID-porten: a registered key lives a year.
const KEY_FOR: Duration = Duration::from_hours(365 * 24);
/// A secret that somebody chose must not be one that somebody else can guess.
const SECRET_AT_LEAST: usize = 20;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Register a service. Prints it as JSON, with the secret that is never shown again.
    Add {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        fields: Fields,
    },
    /// List the services.
    List {
        #[command(flatten)]
        place: Place,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Show a service as JSON.
    Show {
        #[command(flatten)]
        place: Place,
        /// Its client_id.
        client: String,
    },
    /// Change a service. What is not named stays. Servers see it within five seconds.
    Change {
        #[command(flatten)]
        place: Place,
        /// Its client_id.
        client: String,
        #[command(flatten)]
        secret: Secret,
        #[command(flatten)]
        fields: Fields,
    },
    /// Tell where services are weaker than they could be, and what ends soon.
    Check {
        #[command(flatten)]
        place: Place,
        /// Its client_id; all of them, if none is named.
        client: Option<String>,
    },
    /// Remove a service. Its name is never given to another.
    Remove {
        #[command(flatten)]
        place: Place,
        /// Its client_id.
        client: String,
    },
}

/// What becomes of its secret.
#[derive(Args)]
pub(crate) struct Secret {
    /// Make a new secret; the old one ends at once, or after --overlap-days.
    #[arg(long)]
    new_secret: bool,
    /// For how many days the old secret goes on beside the new one.
    #[arg(long, default_value_t = 0)]
    overlap_days: u16,
}

/// The fields of a registration; the file may have all of them, and a flag goes before the file.
#[derive(Args)]
pub(crate) struct Fields {
    /// A JSON object with any field of the registration, `client_id` and `client_secret` as well; - is standard input.
    #[arg(long)]
    file: Option<PathBuf>,
    /// The name of the service among administrators.
    #[arg(long)]
    client_name: Option<String>,
    /// The name that citizens see.
    #[arg(long)]
    display_name: Option<String>,
    /// Where people find the service.
    #[arg(long)]
    client_uri: Option<String>,
    /// Where people are sent back to; may be given several times.
    #[arg(long = "redirect-uri")]
    redirect_uris: Vec<String>,
    /// Where people are sent after logout; may be given several times.
    #[arg(long = "post-logout-redirect-uri")]
    post_logout_redirect_uris: Vec<String>,
    /// What it may ask for; may be given several times.
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// web, browser or native.
    #[arg(long)]
    application_type: Option<String>,
    /// client_secret_basic, client_secret_post, private_key_jwt or none.
    #[arg(long)]
    token_endpoint_auth_method: Option<String>,
    /// A set of rules that it keeps: idporten, fapi2-security or fapi2-message-signing. It sets what is not named.
    #[arg(long)]
    profile: Option<String>,
    /// A file with its public keys, a JSON Web Key Set. A key without `exp` is good for a year.
    #[arg(long)]
    jwks_file: Option<PathBuf>,
    /// Where its public keys are.
    #[arg(long)]
    jwks_uri: Option<String>,
    /// authorization_code, refresh_token, urn:ietf:params:oauth:grant-type:jwt-bearer; may be given several times.
    #[arg(long = "grant-type")]
    grant_types: Vec<String>,
    /// RS256, PS256, ES256 or EdDSA.
    #[arg(long)]
    id_token_signed_response_alg: Option<String>,
    /// Whether it may be used.
    #[arg(long)]
    active: Option<bool>,
}

impl Fields {
    /// What is said of the client, as JSON.
    fn read(self) -> anyhow::Result<Map<String, Value>> {
        let mut fields = super::read_object(self.file.as_deref())?;
        let texts = [
            ("client_name", self.client_name),
            ("display_name", self.display_name),
            ("client_uri", self.client_uri),
            ("application_type", self.application_type),
            ("token_endpoint_auth_method", self.token_endpoint_auth_method),
            ("id_token_signed_response_alg", self.id_token_signed_response_alg),
            ("profile", self.profile),
            ("jwks_uri", self.jwks_uri),
        ];
        for (name, text) in texts {
            fields.extend(text.map(|text| (name.to_owned(), json!(text))));
        }
        let lists = [
            ("redirect_uris", self.redirect_uris),
            ("post_logout_redirect_uris", self.post_logout_redirect_uris),
            ("scopes", self.scopes),
            ("grant_types", self.grant_types),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                fields.insert(name.to_owned(), json!(list));
            }
        }
        if let Some(file) = &self.jwks_file {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let keys: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))?;
            fields.insert("jwks".to_owned(), keys);
        }
        fields.extend(self.active.map(|active| ("active".to_owned(), json!(active))));
        Ok(fields)
    }
}

pub(crate) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Add { place, fields } => add(&place, fields.read()?).await,
        Verb::List { place, json } => list(&place, json).await,
        Verb::Show { place, client } => {
            let opened = place.open().await?;
            let client = find(&opened.db, &client).await?;
            print(&client.id, &client.registration, None)
        }
        Verb::Change { place, client, secret, fields } => change(&place, &client, &secret, fields.read()?).await,
        Verb::Check { place, client } => check(&place, client.as_deref()).await,
        Verb::Remove { place, client } => {
            let opened = place.open().await?;
            let client = find(&opened.db, &client).await?;
            Client::remove(&opened.db, &client.id, Clock::System.now()).await?;
            say(&format!("Removed {}.", client.id.as_str()));
            Ok(())
        }
    }
}

async fn find(db: &migrations::Db, name: &str) -> anyhow::Result<Client> {
    let id = ClientId::named(name).with_context(|| format!("{name:?} is not a client_id"))?;
    Client::find(db, &id).await?.with_context(|| format!("no client is called {name}"))
}

/// Reads a registration, and refuses one that is not good, naming all that is wrong.
fn registration(mut fields: Map<String, Value>) -> anyhow::Result<Registration> {
    date_keys(&mut fields, Clock::System.now());
    let registration = Registration::read(fields)?;
    let objections = registration.objections();
    anyhow::ensure!(objections.is_empty(), "{}", objections.join("; "));
    Ok(registration)
}

/// Where real people log in, a service on the machine of whoever tests it has no place (ID-porten, client fields); an
/// app on somebody's own machine has.
fn fits_here(registration: &Registration, people: FnrPolicy) -> anyhow::Result<()> {
    let mut addresses = registration.redirect_uris.iter().chain(&registration.post_logout_redirect_uris);
    let native = registration.application_type == ApplicationType::Native;
    let wrong = addresses.find(|uri| people.real && !native && uri.starts_with("http://"));
    match wrong {
        Some(uri) => {
            bail!("redirect_uris, post_logout_redirect_uris: {uri:?} has no TLS, and real people are let in here")
        }
        None => Ok(()),
    }
}

/// A key is good for a year at most from the day that it is registered; registering it again renews it.
fn date_keys(fields: &mut Map<String, Value>, now: Timestamp) {
    let keys = fields.get_mut("jwks").and_then(|jwks| jwks.get_mut("keys")).and_then(Value::as_array_mut);
    for key in keys.into_iter().flatten().filter_map(Value::as_object_mut) {
        let at_most = now.plus(KEY_FOR).seconds();
        let own = key.get("exp").and_then(Value::as_i64);
        key.insert("exp".into(), json!(own.map_or(at_most, |own| own.min(at_most))));
    }
}

fn chosen_secret(fields: &mut Map<String, Value>) -> anyhow::Result<Option<Token>> {
    match fields.remove("client_secret") {
        None => Ok(None),
        Some(Value::String(secret)) if secret.chars().count() >= SECRET_AT_LEAST => Ok(Some(Token::presented(&secret))),
        Some(_) => bail!("client_secret: at least {SECRET_AT_LEAST} characters, or none and one is made"),
    }
}

async fn add(place: &Place, mut fields: Map<String, Value>) -> anyhow::Result<()> {
    let id = match fields.remove("client_id") {
        None => Client::fresh_id(&Chance::System)?,
        Some(Value::String(name)) => ClientId::named(&name).context("client_id: letters, digits and . _ - ~")?,
        Some(_) => bail!("client_id: must be a text"),
    };
    let chosen = chosen_secret(&mut fields)?;
    let registration = registration(fields)?;
    let secret = match (registration.has_secret(), chosen) {
        (true, Some(chosen)) => Some(chosen),
        (true, None) => Some(Chance::System.token()?),
        (false, None) => None,
        (false, Some(_)) => bail!("client_secret: this client has none"),
    };
    let opened = place.open().await?;
    fits_here(&registration, opened.people)?;
    if !Client::register(&opened.db, &id, &registration, secret.as_ref(), Clock::System.now()).await? {
        bail!("the name {} is taken", id.as_str());
    }
    print(&id, &registration, secret.as_ref())
}

async fn list(place: &Place, as_json: bool) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let mut clients = Vec::new();
    for id in Client::all(&opened.db).await? {
        clients.extend(Client::find(&opened.db, &id).await?);
    }
    if as_json {
        let all: Vec<Value> =
            clients.iter().map(|client| shown(&client.id, &client.registration)).collect::<Result<_, _>>()?;
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for client in clients {
        let state = if client.registration.active { "" } else { "  (inactive)" };
        say(&format!("{}  {}{state}", client.id.as_str(), client.registration.client_name));
    }
    Ok(())
}

async fn change(place: &Place, name: &str, wish: &Secret, mut fields: Map<String, Value>) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let client = find(&opened.db, name).await?;
    if fields.remove("client_id").is_some_and(|id| id != client.id.as_str()) {
        bail!("client_id: cannot be changed");
    }
    let chosen = chosen_secret(&mut fields)?;
    let Value::Object(mut all) = serde_json::to_value(&client.registration)? else { bail!("not an object") };
    // A profile that is taken on sets all of its fields anew.
    if let Some(profile) = fields.get("profile").filter(|profile| !profile.is_null()) {
        let profile: Profile = serde_json::from_value(profile.clone()).context("profile")?;
        all.extend(profile.fields());
    }
    all.extend(fields);
    let registration = registration(all)?;
    fits_here(&registration, opened.people)?;
    // A client that begins to need a secret, or changes how it shows it, gets a new one.
    let method_changed = registration.token_endpoint_auth_method != client.registration.token_endpoint_auth_method;
    let secret = match chosen {
        Some(chosen) if registration.has_secret() => Some(chosen),
        Some(_) => bail!("client_secret: this client has none"),
        None if registration.has_secret() && (wish.new_secret || method_changed) => Some(Chance::System.token()?),
        None if wish.new_secret => bail!("this client has no secret"),
        None => None,
    };
    let now = Clock::System.now();
    let others_end_at = now.plus(Duration::from_hours(24 * u64::from(wish.overlap_days)));
    let new = secret.as_ref().map(|token| NewSecret { token, others_end_at });
    Client::change(&opened.db, &client.id, &registration, new, now).await?;
    print(&client.id, &registration, secret.as_ref())
}

/// One line for each weakness; the names of those without any.
async fn check(place: &Place, name: Option<&str>) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let names = match name {
        Some(name) => vec![find(&opened.db, name).await?.id],
        None => Client::all(&opened.db).await?,
    };
    let now = Clock::System.now();
    for id in names {
        let Some(client) = Client::find(&opened.db, &id).await? else { continue };
        let mut lines = client.warnings(now);
        // What was let in by an older version may be refused by this one.
        lines.extend(client.registration.objections());
        lines.extend(client_profile::weaknesses(&client.registration));
        if lines.is_empty() {
            say(&format!("{}: as strong as it can be", id.as_str()));
        }
        for line in lines {
            say(&format!("{}: {line}", id.as_str()));
        }
    }
    Ok(())
}

fn shown(id: &ClientId, registration: &Registration) -> anyhow::Result<Value> {
    let Value::Object(mut fields) = serde_json::to_value(registration)? else { bail!("not an object") };
    fields.insert("client_id".into(), json!(id));
    Ok(Value::Object(fields))
}

fn print(id: &ClientId, registration: &Registration, secret: Option<&Token>) -> anyhow::Result<()> {
    let mut value = shown(id, registration)?;
    if let (Some(secret), Some(fields)) = (secret, value.as_object_mut()) {
        fields.insert("client_secret".into(), json!(secret.reveal()));
    }
    say(&serde_json::to_string_pretty(&value)?);
    Ok(())
}
