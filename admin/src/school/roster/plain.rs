//! The plain kind of file: one CSV with a line for each role and pupil, or the same rows as JSON.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;

use super::table::{Table, too_many};
use super::{Builder, NO_NUMBER, Objections, Part, Place, Reader, Roster, RowError, Scope, part};
use crate::school::register::{Orgno, Role, Title};

/// Rows that come as JSON: more than a body has room for, where they say something. Empty ones would fill the memory.
const JSON_AT_MOST: u64 = 200_000;

/// A row of the plain kind.
#[derive(Debug, Default)]
pub struct Line {
    /// The school's organisation number; of a school owner, its own or none.
    pub orgno: String,
    /// What the school is called.
    pub skole: String,
    /// The class, for those who have one.
    pub klasse: String,
    /// `elev`, `kontaktlærer`, `rektor` …
    pub rolle: String,
    /// Fødselsnummer or D-number.
    pub fnr: String,
    /// First and middle names.
    pub fornavn: String,
    /// Surname.
    pub etternavn: String,
}

impl Line {
    /// A row that came as JSON.
    fn of_json(row: Value) -> Result<Line, String> {
        let Value::Object(fields) = row else { return Err("not an object of texts".to_owned()) };
        let mut line = Line::default();
        for (name, value) in fields {
            let field = match name.as_str() {
                "orgno" => &mut line.orgno,
                "skole" => &mut line.skole,
                "klasse" => &mut line.klasse,
                "rolle" => &mut line.rolle,
                "fnr" => &mut line.fnr,
                "fornavn" => &mut line.fornavn,
                "etternavn" => &mut line.etternavn,
                _ => return Err("has a field that is not known".to_owned()),
            };
            let Value::String(text) = value else { return Err(format!("{name}: not a text")) };
            *field = text;
        }
        Ok(line)
    }
}

/// Rows that came as JSON, and what is wrong with some as such: it is told of the row, and the others are read as well.
#[derive(Debug, Default)]
pub struct Lines {
    lines: Vec<Line>,
    objections: Objections,
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Lines, D::Error> {
        deserializer.deserialize_seq(EachLine)
    }
}

/// Reads row by row.
struct EachLine;

impl<'de> Visitor<'de> for EachLine {
    type Value = Lines;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Lines, A::Error> {
        let (mut all, mut row) = (Lines::default(), 0);
        while row < JSON_AT_MOST {
            let Some(value) = rows.next_element::<Value>()? else { return Ok(all) };
            row += 1;
            match Line::of_json(value) {
                Ok(line) => all.lines.push(line),
                Err(why) => all.objections.add(("", row), why),
            }
        }
        if rows.next_element::<IgnoredAny>()?.is_some() {
            while rows.next_element::<IgnoredAny>()?.is_some() {}
            all.objections.add(("", row + 1), format!("more than {JSON_AT_MOST} rows are not taken at once as JSON"));
        }
        Ok(all)
    }
}

impl Reader<'_> {
    /// Takes rows that came as JSON, if all of them are such.
    pub fn json(&self, rows: Lines) -> Result<Roster, Objections> {
        match rows.objections.errors.is_empty() {
            true => self.rows(&rows.lines),
            false => Err(rows.objections),
        }
    }

    /// Reads a plain CSV: its first row names the columns `orgno;skole;klasse;rolle;fnr;fornavn;etternavn`.
    pub fn plain(&self, input: impl BufRead) -> Result<Roster, Objections> {
        let mut roster = Builder::new(self);
        match self.plain_rows(input, &mut roster) {
            Ok(()) => roster.finish(),
            Err(error) => Err(roster.stopped(error)),
        }
    }

    fn plain_rows(&self, input: impl BufRead, roster: &mut Builder) -> Result<(), RowError> {
        let mut table = Table::open(input, "", self.rows_at_most)?;
        table.must_have(&["orgno", "skole", "klasse", "rolle", "fnr", "fornavn", "etternavn"])?;
        while let Some(row) = table.next()? {
            let text = |column| table.get(column).into_owned();
            let line = Line {
                orgno: text("orgno"),
                skole: text("skole"),
                klasse: text("klasse"),
                rolle: text("rolle"),
                fnr: text("fnr"),
                fornavn: text("fornavn"),
                etternavn: text("etternavn"),
            };
            roster.take(self.owner, &line, row);
        }
        Ok(())
    }

    /// Takes rows that came one by one.
    pub fn rows(&self, lines: &[Line]) -> Result<Roster, Objections> {
        let mut roster = Builder::new(self);
        if u64::try_from(lines.len()).is_ok_and(|count| count > self.rows_at_most) {
            return Err(roster.stopped(RowError {
                file: "",
                row: self.rows_at_most + 1,
                detail: too_many(self.rows_at_most),
            }));
        }
        for (row, line) in (1..).zip(lines) {
            roster.take(self.owner, line, row);
        }
        roster.finish()
    }
}

impl Builder {
    /// Takes a row of the plain kind.
    fn take(&mut self, owner: &Orgno, line: &Line, row: u64) {
        if let Err(why) = self.read(owner, line, ("", row)) {
            self.objections.add(("", row), why);
        }
    }

    fn read(&mut self, owner: &Orgno, line: &Line, place: Place) -> Result<(), Cow<'static, str>> {
        let part = part(line.rolle.trim()).ok_or("rolle: not one that is known")?;
        let (orgno, class) = (line.orgno.trim(), line.klasse.trim());
        if part == Part::Staff(Title::Owner) {
            if !orgno.is_empty() && Orgno::parse(orgno).as_ref() != Some(owner) {
                return Err("orgno: a school owner's own, or none, on a row of its own people".into());
            }
            if !line.skole.trim().is_empty() || !class.is_empty() {
                return Err("skole, klasse: must be empty for those who act for the owner".into());
            }
            let person = self.person(place, &line.fnr, (&line.fornavn, &line.etternavn))?;
            self.role(place, Scope::Owner, person, Title::Owner);
            return Ok(());
        }
        let school = self.school(place, orgno, &line.skole)?;
        let scope = match part {
            Part::Staff(title) if title.role() == Role::Administration => {
                if !class.is_empty() {
                    return Err("klasse: must be empty for those who act for the whole school".into());
                }
                Scope::School(school)
            }
            _ => Scope::Class(self.class(school, class, class)?),
        };
        if part == Part::Pupil && line.fnr.trim().is_empty() {
            self.leave_out(place, NO_NUMBER);
            return Ok(());
        }
        let person = self.person(place, &line.fnr, (&line.fornavn, &line.etternavn))?;
        match (part, scope) {
            (Part::Pupil, Scope::Class(class)) => match self.pupil(class, person, place) {
                Some((_, before)) => Err(format!("the same pupil in the same class as on row {before}").into()),
                None => Ok(()),
            },
            (Part::Staff(title), scope) => {
                self.role(place, scope, person, title);
                Ok(())
            }
            (Part::Pupil, _) => Err("klasse: is missing".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader, Read};

    use authenticators::person::FnrPolicy;

    use super::super::RosterRole;
    use super::super::table::TOO_LONG;
    use super::*;

    const ANYBODY: FnrPolicy = FnrPolicy { real: true, synthetic: true, expanded: false };
    const HEAD: &str = "orgno;skole;klasse;rolle;fnr;fornavn;etternavn\n";

    fn orgno(digits: &str) -> Orgno {
        Orgno::parse(digits).unwrap()
    }

    fn read(text: impl AsRef<[u8]>) -> Result<Roster, Objections> {
        let owner = orgno("999999999");
        Reader { owner: &owner, people: ANYBODY, rows_at_most: 100_000 }.plain(BufReader::new(text.as_ref()))
    }

    fn objections(rows: &str) -> Vec<String> {
        let found = read(format!("{HEAD}{rows}")).err().unwrap_or_default();
        found.errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn empty_rows_fill_no_memory() {
        let rows = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        let at_most = usize::try_from(JSON_AT_MOST).unwrap();
        let lines: Lines = serde_json::from_str(&rows(at_most)).unwrap();
        assert_eq!((lines.lines.len(), lines.objections.errors.len()), (at_most, 0));
        let lines: Lines = serde_json::from_str(&rows(at_most * 2)).unwrap();
        assert_eq!(lines.lines.len(), at_most);
        let said: Vec<String> = lines.objections.errors.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["row 200001: more than 200000 rows are not taken at once as JSON"]);
    }

    #[test]
    fn a_pupil_without_a_number_stops_nobody_else() {
        let rows = "974589095;S;10A;elev;;Ny;Elev\n974589095;S;10A;elev; ;Enda;Ny\n\
                    974589095;S;10A;elev;05895894984;Åse;Elev\n";
        let roster = read(format!("{HEAD}{rows}")).unwrap();
        assert_eq!((roster.pupils.len(), roster.people.len()), (1, 1));
        assert_eq!(roster.left_out, [(("", 2), NO_NUMBER), (("", 3), NO_NUMBER)]);
        // Who works there has one, and a file in which nobody has is not one to take in.
        assert_eq!(objections("974589095;S;10A;faglærer;;Per;Lærer\n"), ["row 2: fnr: is missing"]);
        assert_eq!(objections("974589095;S;10A;elev;;Ny;Elev\n"), ["row 1: nobody is in the file"]);
    }

    #[test]
    fn files_as_they_are_exported() {
        let rows = "974589095;Ellingsrud skole;10A;elev;05895894984;Åse;Ødegård\n\
                    974589095;Ellingsrud skole;10A;kontaktlærer;28816196088;Per;Lærer\n\
                    ;;;skoleeier;47906701517;Eva;Eier\n\
                    974589095;Ellingsrud skole;;rektor;20914695016;Ravn;Rektor\n";
        let text = format!("{HEAD}{rows}");
        let (windows, _, _) = encoding_rs::WINDOWS_1252.encode(&text);
        let commas = text.replace(';', ",");
        let shuffled = "Fnr;Rolle;Orgno;Skole;Klasse;Etternavn;Fornavn;Ekstra\r\n\
                        05895894984;Elev;974589095;Ellingsrud skole;10A;Ødegård;Åse;x\r\n\r\n;;;;;;;\r\n";
        for text in [text.as_bytes(), &windows[..], commas.as_bytes(), format!("\u{feff}{text}").as_bytes()] {
            let roster = read(text).unwrap();
            assert_eq!((roster.people.len(), roster.pupils.len(), roster.roles.len()), (4, 1, 3));
            assert_eq!(&*roster.people[0].name, "Åse Ødegård");
            assert_eq!(
                roster.roles[1],
                RosterRole { scope: Scope::Owner, person: 2, title: Title::Owner, place: ("", 4) }
            );
        }
        let roster = read(shuffled).unwrap();
        assert_eq!((&*roster.people[0].name, roster.pupils.len()), ("Åse Ødegård", 1));
    }

    #[test]
    fn what_is_said_of_a_row_does_not_quote_it() {
        for (rows, expected) in [
            ("974589095;S;10A;elev;05895894985;A;B", "row 2: fnr: not a fødselsnummer"),
            ("974589095;S;10A;assistent;;A;B", "row 2: fnr: is missing"),
            ("974589095;S;10A;05895894984;05895894984;A;B", "row 2: rolle: not one"),
            ("05895894984;S;10A;elev;05895894984;A;B", "row 2: orgno: not an"),
            ("974589095;;10A;elev;05895894984;A;B", "row 2: skole: not a name"),
            ("974589095;S;;elev;05895894984;A;B", "row 2: klasse: is missing"),
            ("974589095;S;10A;rektor;05895894984;A;B", "row 2: klasse: must be empty"),
            ("974589095;S;;skoleeier;05895894984;A;B", "row 2: orgno: a school owner's own"),
            ("974589095;S;10A;elev;05895894984;;", "row 2: fornavn, etternavn: not a name"),
            ("974589095;S;10A;elev;05895894984;A\0;B", "row 2: fornavn, etternavn: not a name"),
            ("974589095;S;10A;elev;05895894984;A\u{202e};B", "row 2: fornavn, etternavn: not a name"),
            ("974589095;S\t\u{200b}x;10A;elev;05895894984;A;B", "row 2: skole: not a name"),
            ("", "row 1: nobody is in the file"),
        ] {
            let found = objections(rows);
            assert!(found.len() == 1 && found[0].starts_with(expected), "{rows}: {found:?}");
            assert!(!found[0].contains("589589"), "{found:?}");
        }
        let pupil = "974589095;S;10A;elev;05895894984;A;B\n";
        assert_eq!(objections(&format!("{pupil}{pupil}")), ["row 3: the same pupil in the same class as on row 2"]);
        let both = format!("{pupil}{}", pupil.replace("elev", "faglærer"));
        assert_eq!(objections(&both), ["row 2: somebody who works in the class is no pupil of it"]);
        // Nobody has two names, and no school.
        let twice = |row: &str| objections(&format!("{pupil}{row}"));
        let person = ["row 3: fornavn, etternavn: not the name that the fnr has on row 2"];
        assert_eq!(twice("974589095;S;10B;elev;05895894984;A;C"), person);
        let school = ["row 3: skole: not the name that its orgno has on row 2"];
        assert_eq!(twice("974589095;T;10B;elev;05895894984;A;B"), school);
        assert_eq!(twice("974589095;s;10B;elev;05895894984; a;B "), [""; 0], "the same but for capitals and spaces");
        // The same pupil in another class is one.
        assert_eq!(objections(&format!("{pupil}{}", pupil.replace("10A", "10B"))), [""; 0]);
    }

    #[test]
    fn a_row_of_json_that_is_none() {
        let owner = orgno("999999999");
        let good =
            r#"{"orgno":"974589095","skole":"S","klasse":"10A","rolle":"elev","fnr":"05895894984","fornavn":"A"}"#;
        for (row, expected) in [
            (r#"{"rolle":null}"#, "row 2: rolle: not a text"),
            (r#"{"fnr":5895894984}"#, "row 2: fnr: not a text"),
            (r#"{"05895894984":"x"}"#, "row 2: has a field that is not known"),
            (r#"["05895894984"]"#, "row 2: not an object of texts"),
            (r#"{"rolle":"elev"}"#, "row 2: orgno: not an organisation number of nine digits"),
        ] {
            let lines = serde_json::from_str::<Lines>(&format!("[{good},{row},{good}]")).unwrap();
            let found = Reader { owner: &owner, people: ANYBODY, rows_at_most: 10 }.json(lines).unwrap_err();
            assert_eq!(found.errors[0].to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_such_file() {
        let first = |text: &[u8]| read(text).unwrap_err().errors[0].to_string();
        assert_eq!(first(b""), "row 1: the file is empty");
        assert!(first("974589095;S;10A;elev;05895894984;A;B".as_bytes()).contains("must name the columns"));
        assert!(first(b"\xff\xfeo\0r\0g\0n\0o\0;\0").contains("must name the columns"));
        // A quotation mark that is not closed does not fill the memory.
        let open = format!("{HEAD}\"{}", "974589095;S;10A;elev;05895894984;A;B\n".repeat(10_000));
        assert_eq!(first(open.as_bytes()), format!("row 2: {TOO_LONG}"));
        // Of many objections some are told.
        let many = read(format!("{HEAD}{}", "x;x;x;x;x;x;x\n".repeat(1000))).unwrap_err();
        assert_eq!((many.errors.len(), many.more), (100, 900));
        // Rows are counted as the one who mends them sees them.
        let crlf = read(format!("{HEAD}x;x;x;x;x;x;x\n\"x\nx\";x;x;x;x;x;x\nx;x;x;x;x;x;x").replace('\n', "\r\n"))
            .unwrap_err();
        assert_eq!(crlf.errors.iter().map(|error| error.row).collect::<Vec<_>>(), [2, 3, 5]);
    }

    /// Rows that are made as they are read.
    struct Rows {
        left: u64,
        ready: Vec<u8>,
        at: usize,
    }

    impl Read for Rows {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.at == self.ready.len() {
                if self.left == 0 {
                    return Ok(0);
                }
                let class = self.left / 30;
                let row = format!("974589095;S;{class};faglærer;05895894984;=cmd;\"B;\"\n");
                self.left -= 1;
                (self.ready, self.at) = (row.into_bytes(), 0);
            }
            let count = buffer.len().min(self.ready.len() - self.at);
            buffer[..count].copy_from_slice(&self.ready[self.at..self.at + count]);
            self.at += count;
            Ok(count)
        }
    }

    fn many(left: u64) -> Result<Roster, Objections> {
        let owner = orgno("999999999");
        let rows = Rows { left, ready: HEAD.as_bytes().to_vec(), at: 0 };
        Reader { owner: &owner, people: ANYBODY, rows_at_most: 1_000_000 }.plain(BufReader::new(rows))
    }

    #[test]
    fn a_million_rows() {
        let roster = many(1_000_000).unwrap();
        assert_eq!((roster.people.len(), roster.classes.len(), roster.roles.len()), (1, 33_334, 33_334));
        assert_eq!(&*roster.people[0].name, "=cmd B;");
        let one_more = many(1_000_001).unwrap_err();
        assert_eq!(one_more.errors[0].row, 1_000_002);
        assert!(one_more.errors[0].detail.starts_with("more than 1000000 rows are not taken"), "{one_more:?}");
    }

    #[test]
    fn rows_that_are_too_many() {
        let owner = orgno("999999999");
        let reader = Reader { owner: &owner, people: ANYBODY, rows_at_most: 1 };
        let row = "974589095;S;10A;elev;05895894984;A;B\n";
        assert!(reader.plain(format!("{HEAD}{row}").as_bytes()).is_ok());
        let found = reader.plain(format!("{HEAD}{row}{row}").as_bytes()).unwrap_err();
        assert!(found.errors[0].to_string().starts_with("row 3: more than 1 rows"), "{found:?}");
        let found = reader.rows(&[Line::default(), Line::default()]).unwrap_err();
        assert!(found.errors[0].to_string().starts_with("row 2: more than 1 rows"), "{found:?}");
    }
}
