//! One letter, as a PDF that is printed and that can be read by a screen reader as well (PDF/A-2a, ISO 19005-2, and
//! PDF/UA-1, ISO 14289-1): the same bytes each time.
//!
//! A4 for an envelope with a window 20 mm from the left and 47 to 75 mm from the top. What is drawn is put into the tree
//! of tags in the order in which it is read.

use std::num::NonZeroU16;

use anyhow::{Context, anyhow, ensure};
use authenticators::clock::Timestamp;
use authenticators::shown;
use fast_qr::{ECL, QRBuilder};
use idp::calendar;
use idp::text::{self, Language, Text};
use krilla::configure::{Accessibility, Archival, Configuration, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::geom::{PathBuilder, Point, Rect};
use krilla::metadata::{DateTime, Metadata};
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{
    Artifact, ArtifactType, BBox, ContentTag, Identifier, ListNumbering, Node, Placement, SpanTag, Tag, TagGroup,
    TagKind, TagTree,
};
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// Points in a millimetre.
const MM: f32 = 72.0 / 25.4;
const PAGE: (f32, f32) = (210.0, 297.0);
/// Where the text begins, and how wide it is.
const LEFT: f32 = 20.0;
const WIDE: f32 = 170.0;
/// What the window shows: from here, so wide, and so high.
const WINDOW: (f32, f32) = (20.0, 47.0);
const WINDOW_SIZE: (f32, f32) = (82.0, 28.0);
/// Nothing is printed below that.
const BOTTOM: f32 = 282.0;
/// Where a sheet is folded in three.
const FOLDS: [f32; 2] = [99.0, 198.0];
/// The side of the QR code. Around it are 5 mm of white: four modules of it, as ISO/IEC 18004 wants.
const QR: f32 = 34.0;
/// From the middle of a letter of the code to the next, and what is between two groups besides.
const CODE: (f32, f32) = (6.4, 5.0);

/// From one line to the next, by the size of the letters.
const LEADING: f32 = 1.38;
/// How an address may stand in the window: the size of its letters, and from one line to the next. Letters that are
/// smaller than 8 points are read neither by whoever carries it out nor by whoever sorts it.
const ADDRESS: [(f32, f32); 5] = [(11.0, LEADING), (10.0, LEADING), (9.0, LEADING), (8.0, LEADING), (8.0, 1.2)];

const SMALL: Style = Style { weight: Weight::Regular, size: 9.0 };
const TEXT: Style = Style { weight: Weight::Regular, size: 12.0 };
const BOLD: Style = Style { weight: Weight::SemiBold, size: 12.0 };
const SENDER: Style = Style { weight: Weight::SemiBold, size: 14.0 };
const HEADING: Style = Style { weight: Weight::SemiBold, size: 18.0 };
const SUBHEADING: Style = Style { weight: Weight::SemiBold, size: 13.0 };
const CODE_LETTER: Style = Style { weight: Weight::SemiBold, size: 22.0 };

/// What a letter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It gives somebody a code.
    Letter,
    /// It shows that the print house prints; its code is none.
    Test,
}

impl Kind {
    /// Its name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Letter => "letter",
            Kind::Test => "test",
        }
    }
}

/// What stands in a letter.
pub struct Letter<'a> {
    /// Its id, by which it can be returned.
    pub id: &'a str,
    /// What it is for.
    pub kind: Kind,
    /// Who it is from, and where it goes back to.
    pub sender: &'a [String],
    /// What stands in the window.
    pub lines: &'a [String],
    /// The fifteen letters.
    pub code: &'a str,
    /// Whether it takes the place of what somebody logs in with already.
    pub is_over_minid: bool,
    /// The public base URL of this Porten.
    pub issuer: &'a str,
    /// When it was written, and how long its code is good.
    pub times: (Timestamp, Timestamp),
}

/// The letters' two faces.
pub struct Fonts {
    regular: Face,
    semi_bold: Face,
}

/// An address as it stands in the window.
struct Windowed {
    lines: Vec<String>,
    style: Style,
    /// From one line to the next.
    step: f32,
}

struct Face {
    font: Font,
    measures: FontRef<'static>,
}

impl Fonts {
    /// Reads the fonts that are built into the program.
    pub fn read() -> anyhow::Result<Fonts> {
        Ok(Fonts {
            regular: Face::read(include_bytes!("fonts/Inter-Regular.otf"))?,
            semi_bold: Face::read(include_bytes!("fonts/Inter-SemiBold.otf"))?,
        })
    }

    fn face(&self, weight: Weight) -> &Face {
        match weight {
            Weight::Regular => &self.regular,
            Weight::SemiBold => &self.semi_bold,
        }
    }

    /// How wide a text is, in millimetres.
    fn width(&self, text: &str, style: Style) -> f32 {
        let face = self.face(style.weight);
        let (metrics, map) =
            (face.measures.glyph_metrics(Size::new(style.size), LocationRef::default()), face.measures.charmap());
        let advance = |c: char| map.map(c).and_then(|glyph| metrics.advance_width(glyph)).unwrap_or_default();
        text.chars().map(advance).sum::<f32>() / MM
    }

    /// A text without what the font cannot show, or a PDF/A may not have: of a name that much is still the person's.
    fn printable(&self, text: &str, style: Style) -> String {
        let map = self.face(style.weight).measures.charmap();
        let shown = text.chars().filter(|c| !shown::is_odd(*c) && *c != '\u{fffe}');
        shown.map(|c| if map.map(c).is_some() && !is_private(c) { c } else { '?' }).collect()
    }

    /// Whether nothing of a line would be left out or changed, at the top of a letter or in its window.
    pub fn has(&self, line: &str) -> bool {
        [SENDER, SMALL].into_iter().all(|style| self.printable(line, style) == line)
    }

    /// Whether a line fits in its place at the top, where it is not wrapped.
    pub fn fits_at_top(&self, number: usize, line: &str) -> bool {
        self.width(line, sender_style(number)) <= WIDE
    }

    /// Whether the window shows all of an address.
    pub fn fits_in_window(&self, lines: &[String]) -> bool {
        self.windowed(lines).is_some()
    }

    /// The lines of an address, in letters that are as large as the window allows.
    fn windowed(&self, lines: &[String]) -> Option<Windowed> {
        let (wide, high) = WINDOW_SIZE;
        ADDRESS.into_iter().find_map(|(size, leading)| {
            let style = Style { weight: Weight::Regular, size };
            let printable = lines.iter().map(|line| self.printable(line, style));
            let wrapped: Vec<String> = printable.flat_map(|line| self.wrap(&line, style, wide)).collect();
            let step = size * leading / MM;
            let fits = (0..wrapped.len()).map(|_| step).sum::<f32>() <= high;
            fits.then_some(Windowed { lines: wrapped, style, step })
        })
    }

    /// The lines of a text in a column so many millimetres wide. A word that is wider than that is cut.
    fn wrap(&self, text: &str, style: Style, wide: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        for word in text.split(' ') {
            let line = lines.pop().unwrap_or_default();
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if self.width(&longer, style) <= wide {
                lines.push(longer);
                continue;
            }
            if !line.is_empty() {
                lines.push(line);
            }
            let mut part = String::new();
            for letter in word.chars() {
                if !part.is_empty() && self.width(&format!("{part}{letter}"), style) > wide {
                    lines.push(std::mem::take(&mut part));
                }
                part.push(letter);
            }
            lines.push(part);
        }
        lines
    }
}

/// What means something to those who have agreed on it, and to no reader of a PDF/A, even where a font has it.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

impl Face {
    fn read(bytes: &'static [u8]) -> anyhow::Result<Face> {
        let font = Font::new(bytes.into(), 0).context("a font that cannot be read")?;
        Ok(Face { font, measures: FontRef::new(bytes)? })
    }
}

#[derive(Clone, Copy)]
enum Weight {
    Regular,
    SemiBold,
}

#[derive(Clone, Copy)]
struct Style {
    weight: Weight,
    size: f32,
}

impl Style {
    /// From one line to the next, in millimetres.
    fn leading(self) -> f32 {
        self.size * LEADING / MM
    }
}

/// Prints a letter.
pub fn print(letter: &Letter<'_>, fonts: &Fonts, words: Text) -> anyhow::Result<Vec<u8>> {
    let (written_at, _) = letter.times;
    let title = words.t("letters-title");
    let language = match words.language {
        Language::Nb | Language::Se => "nb-NO",
        Language::Nn => "nn-NO",
        Language::En => "en-GB",
    };
    let settings = SerializeSettings { configuration: configuration()?, ..SerializeSettings::default() };
    let mut document = Document::new_with(settings);
    let size = PageSettings::from_wh(PAGE.0 * MM, PAGE.1 * MM).context("a page without a size")?;
    let mut page = document.start_page_with(size);
    let mut sheet = Sheet { surface: page.surface(), fonts, read: Vec::new(), y: 0.0 };
    let drawn = sheet.letter(letter, words);
    let (read, end) = (std::mem::take(&mut sheet.read), sheet.y);
    // Whoever lets go of a surface has finished it.
    drop(sheet);
    page.finish();
    drawn?;
    ensure!(end <= BOTTOM, "letter {} does not fit on its page", letter.id);
    let mut tree = TagTree::new().with_lang(Some(language.to_owned()));
    for group in read {
        tree.push(group);
    }
    document.set_tag_tree(tree);
    let mut outline = Outline::new();
    outline.push_child(OutlineNode::new(title.clone(), XyzDestination::new(0, Point::from_xy(0.0, 0.0))));
    document.set_outline(outline);
    let metadata = Metadata::new().title(title).language(language.to_owned()).creator("Porten".to_owned());
    document.set_metadata(metadata.document_id(letter.id.to_owned()).creation_date(date(written_at)));
    document.finish().map_err(|error| anyhow!("letter {} cannot be printed: {error:?}", letter.id))
}

fn configuration() -> anyhow::Result<Configuration> {
    let both = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A2_A)
        .with_accessibility_validator(Accessibility::UA1);
    both.finish().map_err(|error| anyhow!("{error:?}"))
}

fn date(at: Timestamp) -> DateTime {
    let at = jiff::Timestamp::from_second(at.seconds()).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC);
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    DateTime::new(u16::try_from(at.year()).unwrap_or_default())
        .month(part(at.month()))
        .day(part(at.day()))
        .hour(part(at.hour()))
        .minute(part(at.minute()))
        .second(part(at.second()))
        .utc_offset_hour(0)
}

/// A page that is drawn from its top to its bottom; all lengths are millimetres.
struct Sheet<'a> {
    surface: Surface<'a>,
    fonts: &'a Fonts,
    /// What was drawn, in the order in which it is read.
    read: Vec<TagGroup>,
    /// Where the next line begins.
    y: f32,
}

impl Sheet<'_> {
    fn letter(&mut self, letter: &Letter<'_>, words: Text) -> anyhow::Result<()> {
        let (written_at, valid_until) = letter.times;
        let day = |at: Timestamp| text::in_norway(at, "%d.%m.%Y");
        self.fold_marks()?;
        self.sender(letter.sender);
        self.window(letter.lines)?;
        self.y = 50.0;
        for line in [
            words.with("letters-date", "date", day(written_at)),
            words.with("letters-reference", "reference", letter.id),
        ] {
            self.paragraph(&line, SMALL, (125.0, 65.0), Tag::P.into());
        }
        self.y = 88.0;
        self.paragraph(&words.t("letters-title"), HEADING, (LEFT, WIDE), heading(1, words.t("letters-title"))?);
        if letter.kind == Kind::Test {
            self.paragraph(&words.t("letters-test"), BOLD, (LEFT, WIDE), Tag::P.into());
        }
        self.y += 2.0;
        self.paragraph(&words.t("letters-intro"), TEXT, (LEFT, WIDE), Tag::P.into());
        let last_day = calendar::with_year(calendar::last_day(valid_until), words);
        self.panel(letter, &words.with("letters-valid", "date", last_day), words)?;
        self.paragraph(&words.t("letters-steps"), SUBHEADING, (LEFT, WIDE), heading(2, words.t("letters-steps"))?);
        self.y += 1.0;
        self.steps(&[
            words.with("letters-step-open", "address", shown(letter.issuer)),
            words.t("letters-step-code"),
            words.t("letters-step-mobile"),
            words.t("letters-step-password"),
        ]);
        self.y += 2.0;
        self.paragraph(&words.t("letters-secret"), BOLD, (LEFT, WIDE), Tag::P.into());
        self.y += 2.0;
        if letter.is_over_minid {
            self.paragraph(&words.t("letters-over-minid"), TEXT, (LEFT, WIDE), Tag::P.into());
            self.y += 2.0;
        }
        self.paragraph(&words.t("letters-unwanted"), TEXT, (LEFT, WIDE), Tag::P.into());
        self.y += 2.0;
        self.paragraph(&words.t("letters-support"), TEXT, (LEFT, WIDE), Tag::P.into());
        Ok(())
    }

    fn sender(&mut self, lines: &[String]) {
        self.y = 14.0;
        let mut group = TagGroup::new(Tag::P);
        for (number, line) in (0..).zip(lines) {
            let style = sender_style(number);
            self.y += style.leading();
            group.push(self.line(&format!("{line} "), style, LEFT));
        }
        self.read.push(group);
    }

    fn window(&mut self, lines: &[String]) -> anyhow::Result<()> {
        let Windowed { lines, style, step } =
            self.fonts.windowed(lines).context("an address that does not fit in its window")?;
        self.y = WINDOW.1;
        let mut group = TagGroup::new(Tag::P);
        for line in &lines {
            self.y += step;
            group.push(self.line(&format!("{line} "), style, WINDOW.0));
        }
        self.read.push(group);
        Ok(())
    }

    /// The code, how long it is good, and its picture.
    fn panel(&mut self, letter: &Letter<'_>, valid: &str, words: Text) -> anyhow::Result<()> {
        let (top, inside) = (self.y + 4.0, LEFT + 6.0);
        self.frame((LEFT, top), (WIDE, 44.0))?;
        self.y = top + 5.0;
        self.paragraph(&words.t("letters-code"), SUBHEADING, (inside, 115.0), heading(2, words.t("letters-code"))?);
        self.y = top + 23.0;
        self.code(letter.code, inside);
        self.y = top + 28.0;
        self.paragraph(valid, TEXT, (inside, 115.0), Tag::P.into());
        let address = address(letter.issuer);
        let picture = words.with("letters-qr", "address", shown(letter.issuer));
        self.qr(&format!("{address}#{}", letter.code), picture, (LEFT + WIDE - QR - 5.0, top + 5.0))?;
        self.y = top + 44.0 + 6.0;
        Ok(())
    }

    /// Fifteen letters that stand apart, and are read out one by one.
    fn code(&mut self, code: &str, left: f32) {
        let (step, gap) = CODE;
        let spelled: Vec<String> = code.chars().map(String::from).collect();
        let spelled = spelled.chunks(5).map(|group| group.join(" ")).collect::<Vec<_>>().join(", ");
        let span = SpanTag::empty().with_actual_text(Some(&spelled));
        let id = self.surface.start_tagged(ContentTag::Span(span));
        let mut x = left;
        for (number, letter) in (0..).zip(code.chars()) {
            if number > 0 && number % 5 == 0 {
                x += gap;
            }
            let letter = letter.to_string();
            self.draw(&letter, CODE_LETTER, x + (step - self.fonts.width(&letter, CODE_LETTER)) / 2.0);
            x += step;
        }
        self.surface.end_tagged();
        let mut group = TagGroup::new(Tag::P);
        group.push(id);
        self.read.push(group);
    }

    fn qr(&mut self, words: &str, picture: String, (left, top): (f32, f32)) -> anyhow::Result<()> {
        let code = QRBuilder::new(words).ecl(ECL::M).build().map_err(|error| anyhow!("QR code: {error}"))?;
        let module = QR / f32::from(u16::try_from(code.size)?);
        let mut path = PathBuilder::new();
        for (row, y) in (0..code.size).zip(0_u16..) {
            for (_, x) in code[row].iter().zip(0_u16..).filter(|(module, _)| module.value()) {
                let (x, y) = (left + f32::from(x) * module, top + f32::from(y) * module);
                path.push_rect(rectangle((x, y), (module, module))?);
            }
        }
        let path = path.finish().context("an empty QR code")?;
        let id = self.surface.start_tagged(ContentTag::Other);
        self.surface.draw_path(&path);
        self.surface.end_tagged();
        let place = BBox::new(0, rectangle((left, top), (QR, QR))?);
        let figure = Tag::Figure(Some(picture)).with_bbox(Some(place)).with_placement(Some(Placement::Block));
        let mut group = TagGroup::new(figure);
        group.push(id);
        self.read.push(group);
        Ok(())
    }

    fn steps(&mut self, steps: &[String]) {
        let mut list = TagGroup::new(Tag::L(ListNumbering::Decimal));
        for (number, step) in (1..).zip(steps) {
            self.y += TEXT.leading();
            let label = self.line(&format!("{number}. "), BOLD, LEFT);
            self.y -= TEXT.leading();
            let body = self.lines(step, TEXT, (LEFT + 7.0, WIDE - 7.0));
            self.y += 0.8;
            let parts = [
                TagGroup::with_children(Tag::Lbl, vec![Node::Leaf(label)]),
                TagGroup::with_children(Tag::LBody, body.into_iter().map(Node::Leaf).collect()),
            ];
            list.push(TagGroup::with_children(Tag::LI, parts.into_iter().map(Node::Group).collect()));
        }
        self.read.push(list);
    }

    fn paragraph(&mut self, text: &str, style: Style, column: (f32, f32), tag: TagKind) {
        let lines = self.lines(text, style, column);
        self.read.push(TagGroup::with_children(tag, lines.into_iter().map(Node::Leaf).collect()));
    }

    /// Text in a column, from the left and so wide.
    fn lines(&mut self, text: &str, style: Style, (left, wide): (f32, f32)) -> Vec<Identifier> {
        let mut drawn = Vec::new();
        for line in self.fonts.wrap(&self.fonts.printable(text, style), style, wide) {
            self.y += style.leading();
            // What is read aloud or copied keeps its words apart.
            drawn.push(self.line(&format!("{line} "), style, left));
        }
        drawn
    }

    fn line(&mut self, text: &str, style: Style, left: f32) -> Identifier {
        let id = self.surface.start_tagged(ContentTag::Span(SpanTag::empty()));
        self.draw(&self.fonts.printable(text, style), style, left);
        self.surface.end_tagged();
        id
    }

    fn draw(&mut self, text: &str, style: Style, left: f32) {
        let (font, at) = (self.fonts.face(style.weight).font.clone(), Point::from_xy(left * MM, self.y * MM));
        self.surface.draw_text(at, font, style.size, text, false, TextDirection::LeftToRight);
    }

    fn fold_marks(&mut self) -> anyhow::Result<()> {
        let mut path = PathBuilder::new();
        for fold in FOLDS {
            path.push_rect(rectangle((5.0, fold), (4.0, 0.1))?);
        }
        self.ornament(path);
        Ok(())
    }

    fn frame(&mut self, at: (f32, f32), size: (f32, f32)) -> anyhow::Result<()> {
        let mut path = PathBuilder::new();
        path.push_rect(rectangle(at, size)?);
        self.surface.set_fill(None);
        self.surface.set_stroke(Some(Stroke { width: 0.8, ..Stroke::default() }));
        self.ornament(path);
        self.surface.set_stroke(None);
        self.surface.set_fill(Some(Fill::default()));
        Ok(())
    }

    /// What is there for the eye alone.
    fn ornament(&mut self, path: PathBuilder) {
        let Some(path) = path.finish() else { return };
        self.surface.start_tagged(ContentTag::Artifact(Artifact::new(ArtifactType::Layout, None)));
        self.surface.draw_path(&path);
        self.surface.end_tagged();
    }
}

fn sender_style(number: usize) -> Style {
    match number {
        0 => SENDER,
        _ => SMALL,
    }
}

fn heading(level: u16, title: String) -> anyhow::Result<TagKind> {
    Ok(Tag::Hn(NonZeroU16::new(level).context("a heading without a level")?, Some(title)).into())
}

fn rectangle((x, y): (f32, f32), (wide, high): (f32, f32)) -> anyhow::Result<Rect> {
    Rect::from_xywh(x * MM, y * MM, wide * MM, high * MM).context("a rectangle without a size")
}

/// Where one registers.
fn address(issuer: &str) -> String {
    format!("{issuer}/registrer")
}

/// The same as people type it.
fn shown(issuer: &str) -> String {
    address(issuer.strip_prefix("https://").unwrap_or(issuer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letters;

    const LANGUAGES: [Language; 4] = Language::ALL;

    fn printed(lines: &[String], language: Language) -> anyhow::Result<Vec<u8>> {
        let sender = ["MinID", "Postboks 1382 Vika", "0114 OSLO"].map(str::to_owned);
        let letter = Letter {
            id: "abcdefgh23456789",
            kind: Kind::Letter,
            sender: &sender,
            lines,
            code: "BCDFGHKLMNPRSTX",
            // The longest that there is.
            is_over_minid: true,
            issuer: "https://innlogging.eit-langt-kommunenamn.example.no",
            times: (Timestamp::from_seconds(1_795_000_000), Timestamp::from_seconds(1_800_184_000)),
        };
        print(&letter, &Fonts::read()?, letters::text(language))
    }

    fn lines(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn a_letter_is_the_same_each_time() -> anyhow::Result<()> {
        let home = lines(&["Kari Å. Ødegård", "Storgata 1", "0155 OSLO"]);
        for language in LANGUAGES {
            let (one, other) = (printed(&home, language)?, printed(&home, language)?);
            assert!(one.starts_with(b"%PDF-1.") && one == other, "{language:?}");
            assert!(one.len() < 100_000, "{} bytes", one.len());
        }
        assert_ne!(printed(&home, Language::Nb)?, printed(&home, Language::Nn)?);
        Ok(())
    }

    #[test]
    fn whatever_somebody_is_called_fits() -> anyhow::Result<()> {
        let long =
            "Anne-Čáhppe Đorđija Ŋilas Bjørn-Åsmund Æveline van der Wolfeschlegelsteinhausenbergerdorff-Øyjordsbakken";
        for language in LANGUAGES {
            printed(
                &lines(&[long, "c/o Samfunnshuset på Øvre Årdal", "H0203", long, "Postboks 1", "9999 KÁRÁŠJOHKA"]),
                language,
            )?;
            printed(&lines(&["字 \u{1f600} \u{7}\u{0}", "", "\u{a0}"]), language)?;
            // What krilla refuses in a PDF/A.
            printed(&lines(&["\u{feff}Kari \u{e000}\u{f8ff}", "\u{fffe}\u{f0000}", "\u{10fffd}"]), language)?;
            printed(&[], language)?;
        }
        Ok(())
    }

    #[test]
    fn an_address_that_its_window_does_not_show_is_not_printed() {
        let (most, more) = (vec!["Gata 1".to_owned(); 8], vec!["Gata 1".to_owned(); 9]);
        assert!(printed(&most, Language::Nb).is_ok());
        let smallest = Fonts::read().unwrap().windowed(&most).unwrap().style.size;
        assert!((8.0..8.1).contains(&smallest), "{smallest}");
        assert!(printed(&more, Language::Nb).is_err());
    }

    #[test]
    fn what_a_pdf_may_not_have_is_left_out() -> anyhow::Result<()> {
        let fonts = Fonts::read()?;
        for style in [TEXT, BOLD] {
            assert_eq!(fonts.printable("K\u{feff}a\u{fffe}ri\u{7}", style), "Kari");
            assert_eq!(fonts.printable("\u{e000}\u{f8ff}\u{f0000}\u{10fffd}", style), "????");
        }
        Ok(())
    }

    #[test]
    fn lines_are_as_wide_as_their_column() -> anyhow::Result<()> {
        let fonts = Fonts::read()?;
        let text = "Ord på ord, og eitordsomerlangtlangtlangtlangtlangtlangtlangtlangtlangtlangt til slutt.";
        let wrapped = fonts.wrap(text, TEXT, 40.0);
        assert!(wrapped.len() > 2 && wrapped.iter().all(|line| fonts.width(line, TEXT) <= 40.0), "{wrapped:?}");
        assert_eq!(wrapped.concat().replace(' ', ""), text.replace(' ', ""));
        assert_eq!(fonts.wrap("", TEXT, 40.0), [""]);
        Ok(())
    }

    #[test]
    fn the_fonts_have_the_letters_of_the_country() -> anyhow::Result<()> {
        let fonts = Fonts::read()?;
        let letters = "æøåÆØÅäöüéèêòóôáàčđŋšŧžČĐŊŠŦŽ\u{a0}–‑";
        for style in [TEXT, BOLD] {
            assert_eq!(fonts.printable(letters, style), letters);
        }
        Ok(())
    }
}
