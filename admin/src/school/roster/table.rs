//! A CSV file whose first row names its columns, as spreadsheets and other systems write one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use super::RowError;

/// Bytes of a row: a quotation mark that is not closed would make the whole file one.
const ROW_AT_MOST: usize = 64 * 1024;
/// What is said of a row that is longer.
pub(super) const TOO_LONG: &str = "the row is too long; is a quotation mark not closed?";

/// What is said of a file with more rows than are taken.
pub(super) fn too_many(rows_at_most: u64) -> String {
    format!("more than {rows_at_most} rows are not taken at once (school.rows_at_most in the configuration)")
}

/// A CSV file whose first row names its columns.
pub(super) struct Table<R> {
    file: &'static str,
    reader: csv::Reader<Capped<R>>,
    record: csv::ByteRecord,
    columns: HashMap<String, usize>,
    rows: u64,
    rows_at_most: u64,
}

impl<R: BufRead> Table<R> {
    /// Reads the first row.
    pub(super) fn open(mut input: R, file: &'static str, rows_at_most: u64) -> Result<Table<R>, RowError> {
        let failed = |_| RowError { file, row: 1, detail: "the file cannot be read".to_owned() };
        if input.fill_buf().map_err(failed)?.starts_with(b"\xef\xbb\xbf") {
            input.consume(3);
        }
        let first = input.fill_buf().map_err(failed)?.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let delimiter = if first.contains(&b';') { b';' } else { b',' };
        // With the library's own ends of lines it counts one too few where they are of two characters.
        let mut builder = csv::ReaderBuilder::new();
        let builder = builder.delimiter(delimiter).terminator(csv::Terminator::Any(b'\n'));
        let builder = builder.has_headers(false).flexible(true);
        let reader = builder.from_reader(Capped { inner: input, left: ROW_AT_MOST });
        let record = csv::ByteRecord::new();
        let mut table = Table { file, reader, record, columns: HashMap::new(), rows: 0, rows_at_most };
        if table.next()?.is_none() {
            return Err(RowError { file, row: 1, detail: "the file is empty".to_owned() });
        }
        let names = table.record.iter().map(|name| decoded(name).trim().to_lowercase());
        table.columns = names.zip(0..).collect();
        Ok(table)
    }

    /// Refuses a file whose first row does not name these.
    pub(super) fn must_have(&self, columns: &[&str]) -> Result<(), RowError> {
        match columns.iter().all(|column| self.columns.contains_key(*column)) {
            true => Ok(()),
            false => {
                let detail = format!("the first row must name the columns {}", columns.join(", "));
                Err(RowError { file: self.file, row: 1, detail })
            }
        }
    }

    /// Reads the next row that is not empty; its line.
    pub(super) fn next(&mut self) -> Result<Option<u64>, RowError> {
        loop {
            self.reader.get_mut().left = ROW_AT_MOST;
            let row = self.reader.position().line();
            let error = |detail: String| RowError { file: self.file, row, detail };
            let is_there = self.reader.read_byte_record(&mut self.record).map_err(|wrong| {
                // What the library says of it may quote it.
                let is_long = wrong.to_string().contains(TOO_LONG);
                error(if is_long { TOO_LONG } else { "the row cannot be read" }.to_owned())
            })?;
            if !is_there {
                return Ok(None);
            }
            self.rows += 1;
            // The first row names the columns.
            if self.rows > self.rows_at_most.saturating_add(1) {
                return Err(error(too_many(self.rows_at_most)));
            }
            if !self.record.iter().all(|field| field.trim_ascii().is_empty()) {
                return Ok(Some(self.record.position().map_or(row, csv::Position::line)));
            }
        }
    }

    /// A field of the row; empty if it is not there.
    pub(super) fn get(&self, column: &str) -> Cow<'_, str> {
        let field = self.columns.get(column).and_then(|index| self.record.get(*index)).unwrap_or_default();
        match decoded(field) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
    }
}

/// A field's letters: UTF-8, or what Excel in Norway writes.
fn decoded(field: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(field) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(field).0,
    }
}

/// Lets no more through than a row may be long, until it is told that a row is over.
struct Capped<R> {
    inner: R,
    left: usize,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(TOO_LONG));
        }
        let count = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(count);
        Ok(count)
    }
}
