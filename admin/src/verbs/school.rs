//! `porten school owner add` and `porten school add|import|move|list|report|trail`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use admin::school::import::{self, Changes, Diff, Import, Naming, Sender};
use admin::school::moving::{self, Move, Moved};
use admin::school::register::{self, Orgno, Owner};
use admin::school::report;
use admin::school::roster::{Objections, Reader};
use admin::school::told;
use anyhow::{Context, anyhow, bail};
use authenticators::trail::Actor;
use clap::{Args, Subcommand};
use idp::registration;
use serde_json::json;

use super::person::{tell_entries, world};
use crate::open::Place;
use crate::say;

/// Entries that are told at once.
const AT_ONCE: i64 = 200;
/// Letters of a reason.
const REASON_AT_MOST: usize = 200;

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Administer the owners of schools.
    #[command(subcommand)]
    Owner(OwnerVerb),
    /// Make a school an owner's before any file names it, so that the owner's own system can.
    Add {
        #[command(flatten)]
        place: Place,
        /// The school's organisation number.
        orgno: String,
        /// What it is called.
        #[arg(long)]
        name: String,
        /// The owner's organisation number.
        #[arg(long, value_name = "ORGNO")]
        owner: String,
        #[command(flatten)]
        why: Why,
    },
    /// Move a school to another owner. All roles there end, and all that was decided by them, until a file of the new owner
    /// gives them anew.
    Move(MoveOptions),
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
    /// Tell who has registered an owner and its schools, which files were taken in, and who was denied something there: the
    /// newest 200 entries.
    Trail {
        #[command(flatten)]
        place: Place,
        /// The owner's organisation number.
        #[arg(long, value_name = "ORGNO")]
        owner: String,
        /// The newest before the entry with this number.
        #[arg(long, value_name = "NUMBER", default_value_t = i64::MAX, hide_default_value = true)]
        before: i64,
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
        #[command(flatten)]
        why: Why,
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
        #[command(flatten)]
        why: Why,
    },
}

/// Who does something for an owner, and why: both are written down.
#[derive(Args)]
pub(crate) struct Why {
    /// The name of whoever does it.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Why: an agreement, a case.
    #[arg(long)]
    reason: String,
}

impl Why {
    fn told(&self) -> anyhow::Result<told::Why<'_>> {
        Ok(told::Why { by: actor(Some(&self.by))?, reason: in_one_line(&self.reason)? })
    }
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
    /// A folder with the CSV files of `OneRoster` 1.1 or 1.2.
    #[arg(long, value_name = "FOLDER")]
    oneroster: Option<PathBuf>,
    /// Only tell what it would change.
    #[arg(long)]
    preview: bool,
    /// Name those who come, go or are called otherwise in the preview, which is written down with this reason.
    #[arg(long, value_name = "REASON", requires_all = ["preview", "by"])]
    names: Option<String>,
    /// Let much go: the schools, classes, roles and pupils of which the preview says this mark.
    #[arg(long, value_name = "MARK")]
    accept_removals: Option<String>,
    /// The name of whoever does it, which is written down.
    #[arg(long, value_name = "NAME", required_unless_present = "preview")]
    by: Option<String>,
}

impl ImportOptions {
    fn naming(&self) -> Naming {
        if self.names.is_some() { Naming::Names } else { Naming::Rows }
    }
}

#[derive(Args)]
pub(crate) struct MoveOptions {
    #[command(flatten)]
    place: Place,
    /// The school's organisation number.
    orgno: String,
    /// The new owner's organisation number.
    #[arg(long, value_name = "ORGNO")]
    to: String,
    /// Why, which is written down.
    #[arg(long)]
    reason: String,
    /// Only tell what it would end.
    #[arg(long)]
    preview: bool,
    /// The name of whoever does it, which is written down.
    #[arg(long, value_name = "NAME", required_unless_present = "preview")]
    by: Option<String>,
}

pub(crate) async fn run(verb: Verb) -> anyhow::Result<()> {
    match verb {
        Verb::Owner(OwnerVerb::Add { place, orgno, name, why }) => add_owner(&place, (&orgno, &name), &why).await,
        Verb::Add { place, orgno, name, owner, why } => add_school(&place, (&orgno, &name), &owner, &why).await,
        Verb::Trail { place, owner, before, json } => trail(&place, &owner, before, json).await,
        Verb::Move(options) => move_school(&options).await,
        Verb::Import(options) => take_in(&options).await,
        Verb::List { place, json } => list(&place, json).await,
        Verb::Report { place, owner, csv, why } => tell(&place, &owner, csv, &why).await,
    }
}

fn parse(orgno: &str) -> anyhow::Result<Orgno> {
    Orgno::parse(orgno).context("an organisation number has nine digits")
}

async fn add_owner(place: &Place, (orgno, name): (&str, &str), why: &Why) -> anyhow::Result<()> {
    let (orgno, name) = (parse(orgno)?, name.trim().to_owned());
    anyhow::ensure!(registration::is_plain(&name), "name: cannot be shown");
    let world = world(place.open().await?, place.vault()?)?;
    if !import::add_owner(&world, &Owner { orgno, name }, why.told()?, world.clock.now()).await? {
        bail!("that owner is registered already");
    }
    say("Registered.");
    Ok(())
}

async fn add_school(place: &Place, (orgno, name): (&str, &str), owner: &str, why: &Why) -> anyhow::Result<()> {
    let (orgno, name, owner) = (parse(orgno)?, name.trim(), parse(owner)?);
    anyhow::ensure!(registration::is_plain(name), "name: cannot be shown");
    let world = world(place.open().await?, place.vault()?)?;
    register::owner(world.db.pool(), &owner).await?.context("no such owner is registered: porten school owner add")?;
    match import::add_school(&world, &owner, (&orgno, name), why.told()?, world.clock.now()).await? {
        None => say("Added. It is shown when a file of its owner names it."),
        Some(whose) if whose == owner => bail!("it is that owner's school already"),
        Some(whose) => bail!("it is a school of {}: porten school move", whose.as_str()),
    }
    Ok(())
}

async fn move_school(options: &MoveOptions) -> anyhow::Result<()> {
    let (school, to, reason) = (parse(&options.orgno)?, parse(&options.to)?, in_one_line(&options.reason)?);
    let world = world(options.place.open().await?, options.place.vault()?)?;
    let (now, by) = (world.clock.now(), actor(options.by.as_deref())?);
    let wish = Move { school: &school, to: &to, reason, by };
    let done = match options.preview {
        true => moving::preview(&world, &wish, now).await?,
        false => moving::apply(&world, &wish, now).await?,
    };
    let Moved { school, from, to, roles, couplings, classes, pupils } = match done {
        Ok(moved) => moved,
        Err(moving::Refused::NoSchool) => bail!("no owner has such a school: its first file brings it"),
        Err(moving::Refused::NoOwner) => bail!("no such owner is registered: porten school owner add"),
        Err(moving::Refused::Theirs) => bail!("it is that owner's school already"),
    };
    let whose = |owner: &Owner| format!("{} ({})", owner.name, owner.orgno.as_str());
    say(&format!("{} ({}) from {} to {}", school.name, school.orgno.as_str(), whose(&from), whose(&to)));
    say(&format!("roles     {roles} end"));
    say(&format!("couplings {couplings} end, and the codes that were shown by them"));
    say(&format!("classes   {classes} stay, with {pupils} pupils, for those whom a file of the new owner names"));
    say(if options.preview { "This is a preview: nothing was changed." } else { "Moved." });
    Ok(())
}

/// A reason, as it is written down.
fn in_one_line(reason: &str) -> anyhow::Result<&str> {
    let reason = reason.trim();
    let fits = registration::is_plain(reason) && reason.chars().count() <= REASON_AT_MOST;
    anyhow::ensure!(fits, "reason: one line of {REASON_AT_MOST} characters at most");
    Ok(reason)
}

/// Whoever says that they do something.
fn actor(by: Option<&str>) -> anyhow::Result<Actor> {
    let Some(by) = by.map(str::trim) else { return Ok(Actor::System) };
    anyhow::ensure!(registration::is_plain(by) && by.chars().count() <= 100, "by: cannot be shown");
    Ok(Actor::Operator(by.to_owned()))
}

async fn take_in(options: &ImportOptions) -> anyhow::Result<()> {
    let owner = parse(&options.owner)?;
    let (opened, vault) = (options.place.open().await?, options.place.vault()?);
    let (people, rows_at_most) = (opened.people, opened.school.rows_at_most);
    let world = world(opened, vault)?;
    let now = world.clock.now();
    let actor = actor(options.by.as_deref())?;
    let seen =
        register::version(&world.db, &owner).await?.context("no such owner is registered: porten school owner add")?;
    if let Some(reason) = &options.names {
        let why = told::Why { by: actor.clone(), reason: in_one_line(reason)? };
        told::note_names(&world, &owner, why).await?;
    }
    let reader = Reader { owner: &owner, people, rows_at_most };
    let read = match (&options.file, &options.oneroster) {
        (Some(file), _) => reader.plain(open(file)?),
        (None, Some(folder)) => reader.oneroster(folder, now),
        (None, None) => bail!("--file or --oneroster is needed"),
    };
    let done = match read {
        Ok(roster) => {
            let import = Import {
                owner: &owner,
                roster: &roster,
                actor,
                sender: Sender::Operator,
                seen,
                accept_removals: options.accept_removals.as_deref(),
            };
            match options.preview {
                true => import::preview(&world, &import, options.naming()).await?,
                false => import::apply(&world, &import, now).await?,
            }
        }
        Err(objections) => Err(objections),
    };
    let diff = match done {
        Ok(diff) => diff,
        Err(objections) => return Err(refused(&objections)),
    };
    show(&diff);
    if let (true, Some(mark)) = (options.preview, &diff.accept_removals) {
        say(&format!("Much would be gone: this is taken in with --accept-removals {mark} only."));
    }
    say(match (options.preview, diff.is_empty()) {
        (true, _) => "This is a preview: nothing was changed.",
        (false, true) => "All was as the file says.",
        (false, false) => "Imported.",
    });
    Ok(())
}

/// Says what speaks against a file.
fn refused(objections: &Objections) -> anyhow::Error {
    for objection in &objections.errors {
        say(&objection.to_string());
    }
    if let Some(mark) = &objections.accept_removals {
        return anyhow!("nothing was imported: if that is right, --accept-removals {mark} lets it");
    }
    if objections.is_superseded {
        return anyhow!("nothing was imported");
    }
    let count = u64::try_from(objections.errors.len()).unwrap_or(0) + objections.more;
    anyhow!("nothing was imported: {count} to mend")
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
    if diff.left_out > 0 {
        say(&format!("{} rows are left out.", diff.left_out));
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

async fn trail(place: &Place, owner: &str, before: i64, as_json: bool) -> anyhow::Result<()> {
    let owner = parse(owner)?;
    let world = world(place.open().await?, place.vault()?)?;
    register::owner(world.db.pool(), &owner).await?.context("no such owner is registered")?;
    let entries = world.trail.of_organisation(world.db.pool(), owner.as_str(), (before, AT_ONCE)).await?;
    tell_entries(&entries, as_json)?;
    let is_full = i64::try_from(entries.len()).unwrap_or(AT_ONCE) >= AT_ONCE;
    if let Some(last) = entries.last().filter(|_| is_full && !as_json) {
        say(&format!("For what was before: --before {}", last.number));
    }
    Ok(())
}

async fn tell(place: &Place, owner: &str, as_csv: bool, why: &Why) -> anyhow::Result<()> {
    let (owner, why) = (parse(owner)?, why.told()?);
    let world = world(place.open().await?, place.vault()?)?;
    register::owner(world.db.pool(), &owner).await?.context("no such owner is registered")?;
    let report = report::of_owner(&world, &owner, world.clock.now()).await?;
    told::note_report(&world, &owner, if as_csv { "csv" } else { "text" }, why).await?;
    if as_csv {
        say(report::csv(&report, &report::HEADINGS, report::SMALL)?.trim_end());
        return Ok(());
    }
    for school in &report.schools {
        say(&format!("{}  {}", school.school.orgno.as_str(), school.school.name));
        if school.classes.is_empty() {
            say(&format!("  {} pupils: {} with MinID", school.tally.all(), school.tally.have_minid()));
        }
        for class in &school.classes {
            let counts = class.tally.each().filter(|(_, number)| *number > 0);
            let counts: Vec<String> = counts.map(|(name, number)| format!("{number} {name}")).collect();
            say(&format!("  {}: {} pupils: {}", class.name("small classes"), class.tally.all(), counts.join(", ")));
        }
    }
    Ok(())
}
