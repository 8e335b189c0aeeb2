//! The letters that a print house gets at once: a folder with a PDF for each and a manifest. [`authenticators::letter`]
//! tells why none is handed over twice or gets lost, wherever the program is killed; here are the files to that.
//!
//! The print house takes folders whose name does not begin with a dot. While the letters of a batch are written they are
//! in `.{batch}.part`. `.{batch}.mark` says that this is the folder that they were written to: only here does it mean
//! something that the first one is gone. Where a batch is brought is remembered with it: nobody goes on with it elsewhere,
//! since some of it may lie there. Whoever is at a batch holds a lock on `.lock`: the lease alone does not stop
//! somebody who slept until it was over.
//!
//! With `[letters.sftp]` the folder is a workshop: the letters lie in `.{batch}.upload` until they have been brought, and
//! the rest is so at the print house ([`sftp`]).

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use authenticators::activation::Source;
use authenticators::clock::Timestamp;
use authenticators::letter::{self, Batch, Begun, Printing, Ready};
use authenticators::world::World;
use aws_lc_rs::digest;
use idp::config::{Issuer, LettersConfig, SftpConfig};
use idp::text::Language;
use serde_json::{Value, json};

use super::pdf::{Fonts, Kind, Letter};
use super::sftp::{self, Leftover, Parcel};
use super::{pdf, text};

/// What stands in the place of a code in the letter that tests the print house: its vowels are in none.
pub const NO_CODE: &str = "TESTBREVTESTING";

/// What is locked in a folder.
const LOCK: &str = ".lock";
/// How the name of a folder ends whose letters are brought elsewhere.
const UPLOAD: &str = ".upload";
/// How the names end of what is left of a batch, of its letters and of the sign that they are there.
const LEFT: [&str; 2] = [".part", ".mark"];
/// What is brought last.
const MANIFEST: &str = "manifest.json";

/// Where and how letters are printed.
pub struct Press<'a> {
    /// The folder that the print house takes batches from, or that they lie in until they have been brought.
    pub folder: &'a Path,
    /// Where one registers with a code.
    pub issuer: &'a Issuer,
    /// What was decided about letters.
    pub letters: &'a LettersConfig,
}

impl Press<'_> {
    /// How batches are made.
    pub fn printing(&self) -> Printing<'_> {
        Printing {
            at_most: self.letters.at_most,
            protected_via: &self.letters.protected_via,
            has_test: !self.letters.test_address.is_empty(),
            destination: self.destination(),
        }
    }

    /// Where batches are brought, by one name however it is reached from here.
    fn destination(&self) -> String {
        match &self.letters.sftp {
            Some(sftp) => sftp::where_to(sftp),
            None => self.folder.canonicalize().unwrap_or_else(|_| self.folder.to_owned()).display().to_string(),
        }
    }

    /// Nobody else is at a batch in the folder until the file is closed, which it is for whoever is killed; none if
    /// somebody is.
    fn lock(&self) -> anyhow::Result<Option<File>> {
        let path = self.folder.join(LOCK);
        let cannot = || format!("cannot lock {}", path.display());
        let file = File::create(&path).with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
        }
    }

    fn part(&self, batch: &Batch) -> PathBuf {
        self.folder.join(format!(".{}.part", batch.id))
    }

    fn mark(&self, batch: &Batch) -> PathBuf {
        self.folder.join(format!(".{}.mark", batch.id))
    }

    fn upload(&self, batch: &Batch) -> PathBuf {
        self.folder.join(format!(".{}{UPLOAD}", batch.id))
    }

    fn done(&self, batch: &Batch) -> PathBuf {
        self.folder.join(&batch.id)
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A batch was handed over.
    HandedOver {
        /// Its id.
        batch: String,
        /// How many letters it has, without the one that tests the print house.
        letters: usize,
    },
    /// Somebody else is at it in this folder; or was killed at it, or is at it elsewhere, and until then it is theirs.
    Busy(Option<Timestamp>),
    /// Nothing waits.
    Nothing {
        /// But for so many, whose address nobody may know.
        held: usize,
    },
}

/// Makes the next batch and hands it over, or goes on with one that was not finished.
pub async fn next(world: &World, press: &Press<'_>, now: Timestamp) -> anyhow::Result<Outcome> {
    let Some(lock) = press.lock()? else { return Ok(Outcome::Busy(None)) };
    let outcome = next_alone(world, press, now).await;
    drop(lock);
    outcome
}

async fn next_alone(world: &World, press: &Press<'_>, now: Timestamp) -> anyhow::Result<Outcome> {
    clear_uploads(press)?;
    clear_left(world, press).await?;
    let mut batch = match letter::begin(world, &press.printing(), now).await? {
        Begun::Busy(until) => return Ok(Outcome::Busy(Some(until))),
        Begun::Elsewhere { batch, destination } => bail!(
            "batch {batch} was begun in another place, {destination}, and is not finished: go on with it there, by the \
             --folder and [letters.sftp] of then; if that cannot be, `porten letter withdraw {batch}` ends its codes, and \
             its letters are printed anew"
        ),
        Begun::Nothing { held } => return Ok(Outcome::Nothing { held }),
        Begun::Batch(batch) => batch,
    };
    match finish(world, press, &mut batch, now).await {
        Ok(letters) => Ok(Outcome::HandedOver { batch: batch.id, letters }),
        Err(error) => {
            letter::release(world, &batch).await?;
            Err(error)
        }
    }
}

async fn finish(world: &World, press: &Press<'_>, batch: &mut Batch, now: Timestamp) -> anyhow::Result<usize> {
    let sftp = press.letters.sftp.as_ref();
    // Whoever has slept until somebody gave the batch up brings nothing of it anywhere.
    letter::keep(world, batch, world.clock.now()).await?;
    if batch.written_at.is_none() {
        let letters = letter::ready(world, batch, &press.printing(), now).await?;
        let unprintable = match sftp {
            Some(sftp) => bring(world, (press, sftp), batch, &letters, now).await?,
            None => write(press, batch, &letters)?,
        };
        for id in unprintable {
            letter::give_up(world, &id, now).await?;
        }
        letter::mark_written(world, batch, now).await?;
    }
    letter::keep(world, batch, world.clock.now()).await?;
    let Some(sftp) = sftp else {
        publish(press, batch)?;
        let letters = letter::mark_handed_over(world, batch, now).await?;
        // Nobody asks for it any more; one that stays does no harm.
        let _ = fs::remove_file(press.mark(batch));
        return Ok(letters);
    };
    let parcel = Parcel::of(sftp, batch, now);
    parcel.publish().await?;
    let letters = letter::mark_handed_over(world, batch, now).await?;
    if let Err(error) = parcel.forget().await {
        tracing::warn!(batch = batch.id, error = format!("{error:#}"), "what was left of a batch is still there");
    }
    Ok(letters)
}

/// Brings the letters of a batch and its manifest to where the print house does not look yet. The ids of those that
/// cannot be printed, and are not there.
pub async fn bring(
    world: &World,
    (press, sftp): (&Press<'_>, &SftpConfig),
    batch: &mut Batch,
    letters: &[Ready],
    now: Timestamp,
) -> anyhow::Result<Vec<String>> {
    let (printed, unprintable) = print(press, batch, letters)?;
    let parcel = Parcel::of(sftp, batch, now);
    // Whoever has slept and lost the batch to another must not clear away what that one has brought.
    letter::keep(world, batch, world.clock.now()).await?;
    let mut over = Vec::new();
    for Leftover { name, batch, attempt } in parcel.begin().await? {
        if letter::was_at(world.db.pool(), &batch, attempt).await? {
            over.push(name);
        }
    }
    letter::keep(world, batch, world.clock.now()).await?;
    parcel.clear(&over).await?;
    letter::keep(world, batch, world.clock.now()).await?;
    if !printed.is_empty() {
        let brought = upload(world, press, &parcel, batch, &printed).await;
        clear_uploads(press)?;
        brought?;
    }
    letter::keep(world, batch, world.clock.now()).await?;
    parcel.mark().await?;
    Ok(unprintable)
}

async fn upload(
    world: &World,
    press: &Press<'_>,
    parcel: &Parcel<'_>,
    batch: &mut Batch,
    printed: &[Printed],
) -> anyhow::Result<()> {
    let folder = press.upload(batch);
    fill(&folder, batch, printed)?;
    parcel.open().await?;
    let files: Vec<&str> = printed.iter().map(|printed| printed.name.as_str()).chain([MANIFEST]).collect();
    for files in files.chunks(sftp::AT_ONCE) {
        letter::keep(world, batch, world.clock.now()).await?;
        parcel.put(&folder, files).await?;
    }
    Ok(())
}

/// Clears away letters that were to be brought, by somebody who was killed at it or could not.
fn clear_uploads(press: &Press<'_>) -> anyhow::Result<()> {
    for (path, _) in hidden(press, UPLOAD)? {
        fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}

/// Clears away what is left here of batches that were handed over by others, or given up: no letter outlives that.
async fn clear_left(world: &World, press: &Press<'_>) -> anyhow::Result<()> {
    for end in LEFT {
        for (path, batch) in hidden(press, end)? {
            if letter::is_over(world.db.pool(), &batch).await? {
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
    }
    Ok(())
}

/// What is ours in the folder and has a name that ends so, and of which batch it is.
fn hidden(press: &Press<'_>, end: &str) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let (folder, mut found) = (|| format!("cannot look into {}", press.folder.display()), Vec::new());
    for entry in press.folder.read_dir().with_context(folder)? {
        let entry = entry.with_context(folder)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if let Some(batch) = name.strip_prefix('.').and_then(|name| name.strip_suffix(end)) {
            found.push((entry.path(), batch.to_owned()));
        }
    }
    Ok(found)
}

/// Writes the letters of a batch and its manifest, for good, where the print house does not look. What somebody wrote
/// there who was killed is written again. The ids of those that cannot be printed, and are not there.
pub fn write(press: &Press<'_>, batch: &Batch, letters: &[Ready]) -> anyhow::Result<Vec<String>> {
    let (part, done) = (press.part(batch), press.done(batch));
    ensure!(!done.exists(), "{} is there, and was not made here", done.display());
    if part.exists() {
        fs::remove_dir_all(&part).with_context(|| format!("cannot remove {}", part.display()))?;
    }
    let (printed, unprintable) = print(press, batch, letters)?;
    if !printed.is_empty() {
        fill(&part, batch, &printed)?;
    }
    let folder = || format!("cannot write in {}", press.folder.display());
    let mark = press.mark(batch);
    if mark.exists() {
        fs::remove_file(&mark).with_context(folder)?;
    }
    keep(&mark, b"").with_context(folder)?;
    sync(press.folder).with_context(folder)?;
    Ok(unprintable)
}

/// Gives a batch that was written the name under which the print house takes it. It may have that name already, and the
/// print house may have taken it.
pub fn publish(press: &Press<'_>, batch: &Batch) -> anyhow::Result<()> {
    let (part, done) = (press.part(batch), press.done(batch));
    ensure!(
        press.mark(batch).exists(),
        "batch {} was begun in another folder than {}, or on another machine: go on with it there, or `porten letter \
         withdraw {0}`",
        batch.id,
        press.folder.display()
    );
    if part.exists() {
        fs::rename(&part, &done).with_context(|| format!("cannot make {} of {}", done.display(), part.display()))?;
        sync(press.folder).with_context(|| format!("cannot write in {}", press.folder.display()))?;
    }
    Ok(())
}

/// Makes a folder of letters and their manifest.
fn fill(part: &Path, batch: &Batch, printed: &[Printed]) -> anyhow::Result<()> {
    let folder = || format!("cannot write in {}", part.display());
    // The print house reads them, and nobody else.
    DirBuilder::new().mode(0o750).create(part).with_context(folder)?;
    for printed in printed {
        keep(&part.join(&printed.name), &printed.pdf).with_context(folder)?;
    }
    let manifest = serde_json::to_string_pretty(&manifest(batch, printed)?)?;
    keep(&part.join(MANIFEST), manifest.as_bytes()).with_context(folder)?;
    sync(part).with_context(folder)
}

fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// What was made and renamed in a folder stays so after a power cut.
fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

struct Printed {
    name: String,
    pdf: Vec<u8>,
    kind: Kind,
    language: Language,
}

/// The letters, and the ids of those that cannot be printed.
fn print(press: &Press<'_>, batch: &Batch, letters: &[Ready]) -> anyhow::Result<(Vec<Printed>, Vec<String>)> {
    let (fonts, somebody) = (Fonts::read()?, ["Kari Nordmann".to_owned()]);
    let (mut printed, mut unprintable) = (Vec::with_capacity(letters.len() + 1), Vec::new());
    let one = |letter: &Letter<'_>, language: Language| {
        let pdf = pdf::print(letter, &fonts, text(language))?;
        anyhow::Ok(Printed { name: format!("{}.pdf", letter.id), pdf, kind: letter.kind, language })
    };
    let (sender, issuer) = (press.letters.sender.as_slice(), press.issuer.as_str());
    for ready in letters {
        let letter = Letter {
            id: &ready.id,
            kind: Kind::Letter,
            sender,
            lines: &ready.lines,
            code: ready.code.as_str(),
            is_over_minid: ready.password_at.is_some(),
            issuer,
            times: (batch.created_at, ready.valid_until),
        };
        let language = Language::parse(&ready.language).unwrap_or_default().of_words();
        match one(&letter, language) {
            Ok(pdf) => printed.push(pdf),
            Err(error) => {
                // Where not even that can be printed, nobody's name or address is to blame, and no letter is given up.
                one(&Letter { lines: &somebody, ..letter }, language)?;
                tracing::error!(letter = ready.id, error = format!("{error:#}"), "a letter that cannot be printed");
                unprintable.push(ready.id.clone());
            }
        }
    }
    if batch.has_test {
        let letter = Letter {
            id: &format!("test-{}", batch.id),
            kind: Kind::Test,
            sender,
            lines: &press.letters.test_address,
            code: NO_CODE,
            is_over_minid: false,
            issuer,
            times: (batch.created_at, batch.created_at.plus(Source::Letter.valid())),
        };
        printed.push(one(&letter, Language::default())?);
    }
    Ok((printed, unprintable))
}

/// What the print house compares with what it has. Nothing in it tells who gets a letter.
fn manifest(batch: &Batch, printed: &[Printed]) -> anyhow::Result<Value> {
    let letter = |printed: &Printed| {
        let digest = digest::digest(&digest::SHA256, &printed.pdf);
        json!({
            "file": printed.name,
            "sha256": digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "pages": 1,
            "kind": printed.kind.name(),
            "language": printed.language.code(),
        })
    };
    let created = jiff::Timestamp::from_second(batch.created_at.seconds()).context("a time out of reach")?;
    Ok(json!({
        "batch": batch.id,
        "created": created.to_string(),
        "count": printed.len(),
        "letters": printed.iter().map(letter).collect::<Vec<_>>(),
    }))
}
