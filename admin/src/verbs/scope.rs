//! `porten scope add|list|show|change|remove`

use std::path::PathBuf;

use anyhow::{Context, bail};
use authenticators::clock::Clock;
use clap::{Args, Subcommand};
use idp::scope::{Scope, ScopeName, ScopeRegistration};
use serde_json::{Map, Value, json};

use crate::open::Place;
use crate::say;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Register a scope. Prints it as JSON.
    Add {
        #[command(flatten)]
        place: Place,
        /// Its name, prefix:subscope, if the file doesn't have it.
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        fields: Fields,
    },
    /// List the scopes.
    List {
        #[command(flatten)]
        place: Place,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Show a scope as JSON.
    Show {
        #[command(flatten)]
        place: Place,
        /// Its name.
        scope: String,
    },
    /// Change a scope. What is not named stays. Servers see it within five seconds.
    Change {
        #[command(flatten)]
        place: Place,
        /// Its name.
        scope: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Remove a scope: nobody may use it any more, and its name is never given to another.
    Remove {
        #[command(flatten)]
        place: Place,
        /// Its name.
        scope: String,
    },
}

/// The fields of a registration; the file may have all of them, and a flag goes before the file.
#[derive(Args)]
pub(crate) struct Fields {
    /// A JSON object with any field of the registration, `name` as well; - is standard input.
    #[arg(long)]
    file: Option<PathBuf>,
    /// What it gives, in a few words of Bokmål. The file may have it in other languages, and at length.
    #[arg(long)]
    description: Option<String>,
    /// Organisation number of its owner.
    #[arg(long)]
    owner_orgno: Option<String>,
    /// PUBLIC, PRIVATE or INTERNAL.
    #[arg(long)]
    visibility: Option<String>,
    /// `SELF_CONTAINED` or OPAQUE.
    #[arg(long)]
    token_type: Option<String>,
    /// Organisation number of one who may use it besides its owner; may be given several times.
    #[arg(long = "access")]
    access: Vec<String>,
    /// A kind of client that may use it; may be given several times, and all may if it is not given.
    #[arg(long = "allowed-integration-type")]
    allowed_integration_types: Vec<String>,
    /// Seconds that an access token is good for at the most; 0 sets no limit.
    #[arg(long)]
    at_max_age: Option<u32>,
    /// Seconds that a grant lasts at the most; 0 sets no limit.
    #[arg(long)]
    authorization_max_lifetime: Option<u32>,
    /// Whether every organisation may use it.
    #[arg(long)]
    accessible_for_all: Option<bool>,
    /// Whether the citizen is asked.
    #[arg(long)]
    requires_user_consent: Option<bool>,
    /// Whether the citizen proves anew who they are.
    #[arg(long)]
    requires_user_authentication: Option<bool>,
    /// Whether its tokens do without the person identifier.
    #[arg(long)]
    requires_pseudonymous_tokens: Option<bool>,
    /// Whether it may be used.
    #[arg(long)]
    active: Option<bool>,
}

impl Fields {
    /// What is said of the scope, as JSON.
    fn read(self) -> anyhow::Result<Map<String, Value>> {
        let mut fields = super::read_object(self.file.as_deref())?;
        let values = [
            ("description", self.description.map(Value::from)),
            ("owner_orgno", self.owner_orgno.map(Value::from)),
            ("visibility", self.visibility.map(Value::from)),
            ("token_type", self.token_type.map(Value::from)),
            ("at_max_age", self.at_max_age.map(Value::from)),
            ("authorization_max_lifetime", self.authorization_max_lifetime.map(Value::from)),
            ("accessible_for_all", self.accessible_for_all.map(Value::from)),
            ("requires_user_consent", self.requires_user_consent.map(Value::from)),
            ("requires_user_authentication", self.requires_user_authentication.map(Value::from)),
            ("requires_pseudonymous_tokens", self.requires_pseudonymous_tokens.map(Value::from)),
            ("active", self.active.map(Value::from)),
        ];
        for (name, value) in values {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        let lists = [("access", self.access), ("allowed_integration_types", self.allowed_integration_types)];
        for (name, list) in lists {
            if !list.is_empty() {
                fields.insert(name.to_owned(), json!(list));
            }
        }
        Ok(fields)
    }
}

pub(crate) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Add { place, name, fields } => add(&place, name, fields.read()?).await,
        Verb::List { place, json } => list(&place, json).await,
        Verb::Show { place, scope } => {
            let opened = place.open().await?;
            let scope = find(&opened.db, &scope).await?;
            print(&scope.name, &scope.registration)
        }
        Verb::Change { place, scope, fields } => change(&place, &scope, fields.read()?).await,
        Verb::Remove { place, scope } => {
            let opened = place.open().await?;
            let scope = find(&opened.db, &scope).await?;
            Scope::remove(&opened.db, &scope.name, Clock::System.now()).await?;
            say(&format!("Removed {}.", scope.name.as_str()));
            Ok(())
        }
    }
}

fn parse(name: &str) -> anyhow::Result<ScopeName> {
    ScopeName::parse(name).with_context(|| format!("{name:?} is not a scope's name, prefix:subscope"))
}

async fn find(db: &migrations::Db, name: &str) -> anyhow::Result<Scope> {
    Scope::find(db, &parse(name)?).await?.with_context(|| format!("no scope is called {name}"))
}

/// Reads a registration, and refuses one that is not good, naming all that is wrong.
fn registration(fields: Map<String, Value>) -> anyhow::Result<ScopeRegistration> {
    let registration: ScopeRegistration = serde_json::from_value(Value::Object(fields)).context("the registration")?;
    let objections = registration.objections();
    anyhow::ensure!(objections.is_empty(), "{}", objections.join("; "));
    Ok(registration)
}

async fn add(place: &Place, name: Option<String>, mut fields: Map<String, Value>) -> anyhow::Result<()> {
    let in_file = fields.remove("name");
    let name = match (name, in_file) {
        (Some(name), _) | (None, Some(Value::String(name))) => parse(&name)?,
        (None, Some(_)) => bail!("name: must be a text"),
        (None, None) => bail!("name: is missing"),
    };
    let registration = registration(fields)?;
    let opened = place.open().await?;
    if !Scope::register(&opened.db, &name, &registration, Clock::System.now()).await? {
        bail!("the name {} is taken", name.as_str());
    }
    print(&name, &registration)
}

async fn list(place: &Place, as_json: bool) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let scopes = Scope::all(&opened.db).await?;
    if as_json {
        let all: Vec<Value> =
            scopes.iter().map(|scope| shown(&scope.name, &scope.registration)).collect::<Result<_, _>>()?;
        say(&serde_json::to_string_pretty(&all)?);
        return Ok(());
    }
    for scope in scopes {
        let state = if scope.registration.active { "" } else { "  (inactive)" };
        say(&format!("{}  {}{state}", scope.name.as_str(), scope.registration.description));
    }
    Ok(())
}

async fn change(place: &Place, name: &str, mut fields: Map<String, Value>) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let scope = find(&opened.db, name).await?;
    if fields.remove("name").is_some_and(|name| name != scope.name.as_str()) {
        bail!("name: cannot be changed");
    }
    let Value::Object(mut all) = serde_json::to_value(&scope.registration)? else { bail!("not an object") };
    all.extend(fields);
    let registration = registration(all)?;
    Scope::change(&opened.db, &scope.name, &registration, Clock::System.now()).await?;
    print(&scope.name, &registration)
}

fn shown(name: &ScopeName, registration: &ScopeRegistration) -> anyhow::Result<Value> {
    let Value::Object(mut fields) = serde_json::to_value(registration)? else { bail!("not an object") };
    fields.insert("name".into(), json!(name));
    Ok(Value::Object(fields))
}

fn print(name: &ScopeName, registration: &ScopeRegistration) -> anyhow::Result<()> {
    say(&serde_json::to_string_pretty(&shown(name, registration)?)?);
    Ok(())
}
