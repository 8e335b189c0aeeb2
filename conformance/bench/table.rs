//! What was measured, beside what must be reached.

use std::io::Write;

/// One line: a value, its limit, and how many times the limit it may be. Always: the less the better.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Its number among what must be reached.
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
    pub(crate) limit: f64,
    /// Times the limit.
    pub(crate) must: f64,
    /// Times the limit.
    pub(crate) goal: f64,
    /// What else there is to say.
    pub(crate) beside: String,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.value / self.limit
    }

    fn is_missed(&self) -> bool {
        // What is not a number has not been reached.
        self.ratio().is_nan() || self.ratio() > self.must
    }

    fn verdict(&self) -> &'static str {
        match self.ratio() {
            _ if self.is_missed() => "MISSED",
            ratio if ratio <= self.goal => "goal",
            _ => "must",
        }
    }
}

/// All lines, of as many rounds as there were.
#[derive(Default)]
pub(crate) struct Table(Vec<Vec<Row>>);

impl Table {
    /// Adds a line; the same line of another round goes beside it.
    pub(crate) fn add(&mut self, row: Row) {
        match self.0.iter_mut().find(|rows| rows.iter().any(|own| own.what == row.what)) {
            Some(rows) => rows.push(row),
            None => self.0.push(vec![row]),
        }
    }

    /// The medians, by ratio.
    fn medians(&self) -> Vec<Row> {
        let median = |rows: &Vec<Row>| {
            let mut rows = rows.clone();
            rows.sort_by(|one, other| one.ratio().total_cmp(&other.ratio()));
            rows.get(rows.len() / 2).cloned()
        };
        self.0.iter().filter_map(median).collect()
    }

    /// Prints it, and says whether everything is reached that must be.
    pub(crate) fn print(&self) -> anyhow::Result<bool> {
        let mut out = std::io::stdout();
        writeln!(
            out,
            "{:<4} {:<52} {:>10} {:>10} {:>7} {:>6} {:>6}  {:<7}",
            "", "", "value", "limit", "ratio", "must", "goal", "verdict"
        )?;
        let rows = self.medians();
        for row in &rows {
            let (value, limit) = (format!("{:.1} {}", row.value, row.unit), format!("{:.1} {}", row.limit, row.unit));
            writeln!(
                out,
                "{:<4} {:<52} {value:>10} {limit:>10} {:>7.2} {:>6.2} {:>6.2}  {:<7} {}",
                row.id,
                row.what,
                row.ratio(),
                row.must,
                row.goal,
                row.verdict(),
                row.beside
            )?;
        }
        Ok(!rows.iter().any(Row::is_missed))
    }
}
