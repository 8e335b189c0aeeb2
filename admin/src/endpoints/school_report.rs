//! `/skule/rapport`: how far the schools of an owner have come, to look at and as a file.

use askama::Template;
use authenticators::trail::Event;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use idp::client::SCHOOL_PATH;
use idp::error::Refusal;
use idp::page::Frame;
use idp::text;

use crate::school::register::{self, Owner, Title};
use crate::school::report::{self, SchoolReport, Tally};
use crate::school::routes;
use crate::school::sign_in::{LEAVE, Staff};

/// A number, and what it is of.
struct Cell {
    words: &'static str,
    number: u32,
}

/// A class, or all of a school's.
struct Row {
    name: String,
    all: u32,
    may: u32,
    have: u32,
    cells: Vec<Cell>,
}

/// A school: all of it, class by class, and all of it in the last row again.
struct Table {
    name: String,
    whole: Bar,
    /// None where the school is so small that they would tell of somebody.
    rows: Vec<Row>,
    /// How many pupils it has, in words.
    pupils: String,
}

/// How many of those who may have MinID have it, as a bar.
struct Bar {
    name: String,
    may: u32,
    have: u32,
}

/// An owner.
struct Part {
    name: String,
    csv: String,
    file: String,
    at: String,
    /// All schools, where there are several.
    whole: Option<Bar>,
    tables: Vec<Table>,
    /// Few schools are shown class by class, and of many whoever wants to opens one.
    is_open: bool,
}

/// What several small classes are called.
const SMALL_CLASSES: &str = "school-report-small";
/// How many schools are few.
const FEW: usize = 3;

#[derive(Template)]
#[template(path = "school_report.html")]
struct ReportPage {
    frame: Frame,
    csrf: String,
    leave: &'static str,
    parts: Vec<Part>,
    columns: Vec<&'static str>,
    back: &'static str,
}

/// `GET /skule/rapport`
pub async fn show(staff: Staff) -> Result<Response, Refusal> {
    let world = &staff.app.world;
    let owners = register::owners_of(world.db.pool(), &staff.person.id).await?;
    if owners.is_empty() {
        return Err(staff.nothing_here().await);
    }
    let every = staff.text().t("school-report-every-school");
    let mut parts = Vec::new();
    for owner in owners {
        let report = report::of_owner(world, &owner.orgno, staff.now).await?;
        note_read(&staff, &owner, "page").await?;
        let (at, count) = (text::in_norway(report.at, "%d.%m.%Y %H:%M"), report.schools.len());
        let tables = report.schools.into_iter().map(|school| table(school, &staff)).collect();
        let csv = format!("{}/{}", routes::REPORT, owner.orgno.as_str());
        let file = routes::file(&owner.orgno);
        let whole = (count > 1).then(|| bar(every.clone(), &report.tally));
        parts.push(Part { name: owner.name, csv, file, at, whole, tables, is_open: count <= FEW });
    }
    let columns = Tally::names().map(words).collect();
    let (frame, csrf) = (staff.frame(), staff.csrf());
    let page = ReportPage { frame, csrf, leave: LEAVE, parts, columns, back: SCHOOL_PATH };
    Ok(staff.html(StatusCode::OK, &page))
}

/// Tells who reads an owner's numbers, and how: before they do.
async fn note_read(staff: &Staff, owner: &Owner, form: &'static str) -> anyhow::Result<()> {
    let event = Event::by_oneself("school-report-read", &staff.person.id).with("role", Title::Owner.name());
    let event = event.with("owner", owner.orgno.as_str()).with("form", form);
    staff.app.world.trail.write(event, staff.now).await
}

fn table(report: SchoolReport, staff: &Staff) -> Table {
    let (text, tally) = (staff.text(), &report.tally);
    let small = text.t(SMALL_CLASSES);
    let classes = report.classes.iter().map(|class| row(class.name(&small), &class.tally));
    let whole = (!tally.is_few()).then(|| row(text.t("school-report-all"), tally));
    let rows = classes.chain(whole).collect();
    let pupils = text.with("school-count-pupils", "count", tally.all().to_string());
    let name = report.school.name;
    Table { whole: bar(name.clone(), tally), name, rows, pupils }
}

fn bar(name: String, tally: &Tally) -> Bar {
    Bar { name, may: tally.may_have_minid(), have: tally.have_minid() }
}

fn row(name: String, tally: &Tally) -> Row {
    let cells = tally.each().map(|(status, number)| Cell { words: words(status), number }).collect();
    Row { name, all: tally.all(), may: tally.may_have_minid(), have: tally.have_minid(), cells }
}

/// The words of a status, by its name.
fn words(status: &str) -> &'static str {
    match status {
        "undecided" => "school-undecided",
        "code-issued" => "school-code-issued",
        "registered" => "school-registered",
        "manual" => "school-manual",
        "letter-ordered" => "school-letter-ordered",
        "has-minid" => "school-has-minid",
        "too-young" => "school-too-young",
        _ => "school-not-started",
    }
}

/// `GET /skule/rapport/{owner}`: the same as CSV.
pub async fn fetch(staff: Staff, Path(owner): Path<String>) -> Result<Response, Refusal> {
    let (world, words_of) = (&staff.app.world, staff.text());
    let owners = register::owners_of(world.db.pool(), &staff.person.id).await?;
    let Some(owner) = owners.into_iter().find(|own| own.orgno.as_str() == owner) else {
        return Err(staff.nothing_here().await);
    };
    let report = report::of_owner(world, &owner.orgno, staff.now).await?;
    note_read(&staff, &owner, "csv").await?;
    let first = ["school-report-school", "school-report-orgno", "school-report-class", "school-report-pupils"];
    let last = ["school-report-share", "school-report-percent", "school-report-date"];
    let keys = first.into_iter().chain(Tally::names().map(words)).chain(last);
    let headings: Vec<String> = keys.map(|key| words_of.t(key)).collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut response = report::csv(&report, &headings, &words_of.t(SMALL_CLASSES))?.into_response();
    let name = format!("attachment; filename=\"minid-{}.csv\"", owner.orgno.as_str());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
