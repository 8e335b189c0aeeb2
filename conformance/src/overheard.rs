//! What is said to the log, caught at every level as long as somebody listens, from all threads.

use std::fmt::{Debug, Write};
use std::mem::take;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Span, Subscriber, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;

/// The span that a story is told in.
const STORY: &str = "story";
/// The span of what goes on behind the back of whoever asked: it is no part of their story.
const UNSEEN: &str = "unseen";

/// Somebody who listens. Tests share a process, so what others say at the same time is heard as well.
pub struct Listener {
    ear: &'static Ear,
    /// The number of the first line.
    from: usize,
    span: Span,
}

/// A line: its target and level, and its fields.
#[derive(Clone)]
struct Line {
    story: Option<u64>,
    text: String,
}

#[derive(Default)]
struct Heard {
    listeners: usize,
    lines: Vec<Line>,
}

struct Ear {
    heard: Arc<Mutex<Heard>>,
    level: reload::Handle<LevelFilter, Registry>,
}

/// There is one for the process, which is deaf while nobody listens.
fn ear() -> &'static Ear {
    static EAR: OnceLock<Ear> = OnceLock::new();
    EAR.get_or_init(|| {
        let (filter, level) = reload::Layer::new(LevelFilter::OFF);
        let heard = Arc::new(Mutex::new(Heard::default()));
        let subscriber = tracing_subscriber::registry().with(filter).with(Catch(heard.clone()));
        // Fails where there is another, and then nothing is heard, and a test says so.
        let _ = tracing::subscriber::set_global_default(subscriber);
        Ear { heard, level }
    })
}

impl Ear {
    fn with<R>(&self, work: impl FnOnce(&mut Heard) -> R) -> R {
        work(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn hear(&self, level: LevelFilter) {
        // Fails after the end of the process's subscriber, which has none.
        let _ = self.level.reload(level);
    }
}

/// Listens until the listener is dropped.
pub fn listen() -> Listener {
    let ear = ear();
    // The level changes with the count, or whoever leaves would deafen whoever has just come.
    let from = ear.with(|heard| {
        heard.listeners += 1;
        // A change of the level loses what is said meanwhile: who listens already keeps it as it is.
        if heard.listeners == 1 {
            ear.hear(LevelFilter::TRACE);
        }
        heard.lines.len()
    });
    Listener { ear, from, span: info_span!(STORY) }
}

impl Listener {
    /// The span to tell a story in, for whoever wants to know what was said in it.
    pub fn span(&self) -> Span {
        self.span.clone()
    }

    /// What has been said so far, by anybody.
    pub fn lines(&self) -> Vec<String> {
        self.ear.with(|heard| heard.lines.iter().skip(self.from).map(|line| line.text.clone()).collect())
    }

    /// What has been said in the own story.
    pub fn own_lines(&self) -> Vec<String> {
        let own = self.span.id().map(|id| id.into_u64());
        self.ear.with(|heard| {
            let lines = heard.lines.iter().skip(self.from).filter(|line| line.story.is_some() && line.story == own);
            lines.map(|line| line.text.clone()).collect()
        })
    }

    /// The database's statements in the own story, one after another.
    pub fn statements(&self) -> Vec<String> {
        // SQLite's own thread tells of the last one when whoever asked has been answered already.
        std::thread::sleep(std::time::Duration::from_millis(200));
        let all = self.own_lines().into_iter().filter(|line| line.starts_with("sqlx::query "));
        all.filter_map(|line| {
            let (summary, rest) = line.split_once(" summary=")?.1.split_once(" db.statement=")?;
            let (whole, _) = rest.split_once(" rows_affected=")?;
            let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
            Some(if whole.is_empty() { summary.to_owned() } else { whole })
        })
        .collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ear.with(|heard| {
            heard.listeners -= 1;
            if heard.listeners == 0 {
                drop(take(&mut heard.lines));
                self.ear.hear(LevelFilter::OFF);
            }
        });
    }
}

struct Catch(Arc<Mutex<Heard>>);

impl Catch {
    fn note(&self, text: String, story: Option<u64>) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.listeners > 0 {
            heard.lines.push(Line { story, text });
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Catch {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut words = Words::of(span.metadata());
        span.record(&mut words);
        self.note(words.0, story_of(context.span(id)));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let mut words = Words("recorded".to_owned());
        values.record(&mut words);
        self.note(words.0, story_of(context.span(id)));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut words = Words::of(event.metadata());
        event.record(&mut words);
        self.note(words.0, story_of(context.event_span(event)));
    }
}

fn story_of<'a, S: LookupSpan<'a>>(span: Option<tracing_subscriber::registry::SpanRef<'a, S>>) -> Option<u64> {
    let mut scope = span?.scope().take_while(|span| span.name() != UNSEEN);
    scope.find(|span| span.name() == STORY).map(|story| story.id().into_u64())
}

/// A line while it is written.
struct Words(String);

impl Words {
    fn of(metadata: &Metadata<'_>) -> Words {
        Words(format!("{} {} {}", metadata.target(), metadata.level(), metadata.name()))
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Nothing goes wrong where it is written to a text.
        let _ = write!(self.0, " {}={value:?}", field.name());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {}={value}", field.name());
    }
}
