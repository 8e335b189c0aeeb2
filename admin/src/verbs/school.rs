//! `porten school owner add|import|list|report`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use admin::school::import::{self, Changes, Diff, Import};
use admin::school::issuing::Status;
use admin::school::register::{self, Orgno, Owner};
use admin::school::report;
use admin::school::roster::Reader;
use anyhow::{Context, bail};
use authenticators::trail::Actor;
use clap::{Args, Subcommand};
use idp::registration;
use serde_json::json;

use super::person::world;
use crate::open::Place;
use crate::say;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Administer the owners of schools.
    #[command(subcommand)]
    Owner(OwnerVerb),
    /// Take in what an owner's file says of its schools, all of it or nothing. What is gone from it ends.
    Import(ImportOptions),
    /// List the owners and their schools.
    List {
        #[command(flatten)]
        place: Place,
        /// For machines.
        #[arg(long)]
        json: bool,
    },
    /// Tell how far an owner's schools have come, class by class.
    Report {
        #[command(flatten)]
        place: Place,
        /// The owner's organisation number.
        #[arg(long, value_name = "ORGNO")]
        owner: String,
        /// For a spreadsheet.
        #[arg(long)]
        csv: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum OwnerVerb {
    /// Register an owner, whose files can be taken in then.
    Add {
        #[command(flatten)]
        place: Place,
        /// Its organisation number.
        orgno: String,
        /// What it is called.
        #[arg(long)]
        name: String,
    },
}

#[derive(Args)]
pub(crate) struct ImportOptions {
    #[command(flatten)]
    place: Place,
    /// The owner's organisation number.
    #[arg(long, value_name = "ORGNO")]
    owner: String,
    /// A CSV file whose first row names the columns `orgno;skole;klasse;rolle;fnr;fornavn;etternavn`; - is standard
    /// input.
    #[arg(long, required_unless_present = "oneroster", conflicts_with = "oneroster")]
    file: Option<PathBuf>,
    /// A folder with the CSV files of `OneRoster` 1.1.
    #[arg(long, value_name = "FOLDER")]
    oneroster: Option<PathBuf>,
    /// Only tell what it would change.
    #[arg(long)]
    preview: bool,
    /// The name of whoever does it, which is written down.
    #[arg(long, value_name = "NAME", required_unless_present = "preview")]
    by: Option<String>,
}

pub(crate) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Owner(OwnerVerb::Add { place, orgno, name }) => add_owner(&place, &orgno, &name).await,
        Verb::Import(options) => take_in(&options).await,
        Verb::List { place, json } => list(&place, json).await,
        Verb::Report { place, owner, csv } => tell(&place, &owner, csv).await,
    }
}

fn parse(orgno: &str) -> anyhow::Result<Orgno> {
    Orgno::parse(orgno).context("an organisation number has nine digits")
}

async fn add_owner(place: &Place, orgno: &str, name: &str) -> anyhow::Result<()> {
    let (orgno, name) = (parse(orgno)?, name.trim().to_owned());
    anyhow::ensure!(registration::is_plain(&name), "name: cannot be shown");
    let world = world(place.open().await?, place.vault()?)?;
    if !register::add_owner(world.db.pool(), &Owner { orgno, name }, world.clock.now()).await? {
        bail!("that owner is registered already");
    }
    say("Registered.");
    Ok(())
}

async fn take_in(options: &ImportOptions) -> anyhow::Result<()> {
    let owner = parse(&options.owner)?;
    let (opened, vault) = (options.place.open().await?, options.place.vault()?);
    let people = opened.people;
    let world = world(opened, vault)?;
    let now = world.clock.now();
    let actor = match options.by.as_deref().map(str::trim) {
        Some(by) => {
            anyhow::ensure!(registration::is_plain(by) && by.chars().count() <= 100, "by: cannot be shown");
            Actor::Operator(by.to_owned())
        }
        None => Actor::System,
    };
    register::owner(world.db.pool(), &owner).await?.context("no such owner is registered: porten school owner add")?;
    let reader = Reader { owner: &owner, people };
    let read = match (&options.file, &options.oneroster) {
        (Some(file), _) => reader.plain(open(file)?),
        (None, Some(folder)) => reader.oneroster(folder, now),
        (None, None) => bail!("--file or --oneroster is needed"),
    };
    let done = match read {
        Ok(roster) => {
            let import = Import { owner: &owner, roster: &roster, actor, client: None };
            match options.preview {
                true => import::preview(&world, &import).await?,
                false => import::apply(&world, &import, now).await?,
            }
        }
        Err(objections) => Err(objections),
    };
    let diff = match done {
        Ok(diff) => diff,
        Err(objections) => {
            for objection in &objections.errors {
                say(&objection.to_string());
            }
            let count = u64::try_from(objections.errors.len()).unwrap_or(0) + objections.more;
            bail!("nothing was imported: {count} to mend");
        }
    };
    show(&diff);
    say(match (options.preview, diff.is_empty()) {
        (true, _) => "This is a preview: nothing was changed.",
        (false, true) => "All was as the file says.",
        (false, false) => "Imported.",
    });
    Ok(())
}

fn open(file: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(BufReader::new(std::io::stdin())));
    }
    let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Box::new(BufReader::new(opened)))
}

fn show(diff: &Diff) {
    for line in &diff.lines {
        say(line);
    }
    let all = [("schools", diff.schools), ("classes", diff.classes), ("roles", diff.roles), ("pupils", diff.pupils)];
    for (name, Changes { added, changed, removed }) in all {
        say(&format!("{name:<8} {added} new, {changed} renamed, {removed} gone"));
    }
}

async fn list(place: &Place, as_json: bool) -> anyhow::Result<()> {
    let opened = place.open().await?;
    let db = opened.db.pool();
    let mut all = Vec::new();
    for owner in register::owners(db).await? {
        let schools = register::schools(db, &owner.orgno).await?;
        all.push((owner, schools));
    }
    if as_json {
        let shown = |(owner, schools): &(Owner, Vec<register::School>)| {
            let school = |one: &register::School| json!({ "orgno": one.orgno, "name": one.name, "id": one.id });
            let schools: Vec<_> = schools.iter().map(school).collect();
            json!({ "orgno": owner.orgno, "name": owner.name, "schools": schools })
        };
        say(&serde_json::to_string_pretty(&all.iter().map(shown).collect::<Vec<_>>())?);
        return Ok(());
    }
    for (owner, schools) in all {
        say(&format!("{}  {}", owner.orgno.as_str(), owner.name));
        for school in schools {
            say(&format!("  {}  {}", school.orgno.as_str(), school.name));
        }
    }
    Ok(())
}

async fn tell(place: &Place, owner: &str, as_csv: bool) -> anyhow::Result<()> {
    let owner = parse(owner)?;
    let world = world(place.open().await?, place.vault()?)?;
    register::owner(world.db.pool(), &owner).await?.context("no such owner is registered")?;
    let reports = report::of_owner(&world, &owner, world.clock.now()).await?;
    if as_csv {
        say(report::csv(&reports, &report::HEADINGS)?.trim_end());
        return Ok(());
    }
    for school in &reports {
        say(&format!("{}  {}", school.school.orgno.as_str(), school.school.name));
        for class in &school.classes {
            let counts = Status::NAMES.iter().map(|name| format!("{} {name}", class.tally.of(name)));
            let counts: Vec<String> = counts.filter(|count| !count.starts_with("0 ")).collect();
            say(&format!("  {}: {} pupils: {}", class.class.name, class.tally.all(), counts.join(", ")));
        }
    }
    Ok(())
}
