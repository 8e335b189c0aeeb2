//! `porten client add|list|show|change|remove`

use std::path::PathBuf;

use anyhow::{Context, bail};
use authenticators::chance::{Chance, Token};
use authenticators::clock::Clock;
use clap::{Args, Subcommand};
use idp::client::{Client, ClientId, Registration};
use serde_json::{Map, Value, json};

use crate::open::Place;
use crate::say;

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
        /// Make a new secret; the old one ends at once.
        #[arg(long)]
        new_secret: bool,
        #[command(flatten)]
        fields: Fields,
    },
    /// Remove a service. Its name is never given to another.
    Remove {
        #[command(flatten)]
        place: Place,
        /// Its client_id.
        client: String,
    },
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
    /// client_secret_basic, client_secret_post or none.
    #[arg(long)]
    token_endpoint_auth_method: Option<String>,
    /// authorization_code, refresh_token; may be given several times.
    #[arg(long = "grant-type")]
    grant_types: Vec<String>,
    /// RS256 or ES256.
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
        Verb::Change { place, client, new_secret, fields } => change(&place, &client, new_secret, fields.read()?).await,
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
fn registration(fields: Map<String, Value>) -> anyhow::Result<Registration> {
    let registration: Registration = serde_json::from_value(Value::Object(fields)).context("the registration")?;
    let objections = registration.objections();
    anyhow::ensure!(objections.is_empty(), "{}", objections.join("; "));
    Ok(registration)
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
        (false, Some(_)) => bail!("client_secret: a public client has none"),
    };
    let opened = place.open().await?;
    if !Client::register(&opened.db, &id, &registration, secret.as_ref(), Clock::System.now()).await? {
        bail!("the name {} is taken", id.as_str());
    }
    print(&id, &registration, secret.as_ref())
}

async fn list(place: &Place, as_json: bool) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let clients = Client::all(&opened.db).await?;
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

async fn change(place: &Place, name: &str, new_secret: bool, mut fields: Map<String, Value>) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let client = find(&opened.db, name).await?;
    if fields.remove("client_id").is_some_and(|id| id != client.id.as_str()) {
        bail!("client_id: cannot be changed");
    }
    let chosen = chosen_secret(&mut fields)?;
    let Value::Object(mut all) = serde_json::to_value(&client.registration)? else { bail!("not an object") };
    all.extend(fields);
    let registration = registration(all)?;
    // A client that begins to need a secret, or changes how it shows it, gets a new one.
    let method_changed = registration.token_endpoint_auth_method != client.registration.token_endpoint_auth_method;
    let secret = match chosen {
        Some(chosen) if registration.has_secret() => Some(chosen),
        Some(_) => bail!("client_secret: a public client has none"),
        None if registration.has_secret() && (new_secret || method_changed) => Some(Chance::System.token()?),
        None if new_secret => bail!("a public client has no secret"),
        None => None,
    };
    Client::change(&opened.db, &client.id, &registration, secret.as_ref(), Clock::System.now()).await?;
    print(&client.id, &registration, secret.as_ref())
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
