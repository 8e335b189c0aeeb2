//! Many rows by one statement, in words that both engines know.
//!
//! A few ids travel as one text, which the statement takes apart: `IN (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL
//! SELECT i + 32 FROM place WHERE i + 32 <= length($1)) SELECT rtrim(substr($1, i, 32)) FROM place)`, where `$1` is one of
//! these [`lists`]; a few rows travel as a text for each [`Column`]. Rows that can be a whole county's have a place each
//! behind `VALUES` ([`Several`]).

use std::sync::OnceLock;

/// Ids in one text at the most; more are another statement. Few: both engines find a place in a text by counting letters
/// from its beginning.
const TOGETHER: usize = 100;
/// The room that an id has in it, as it stands in the statements.
const ROOM: usize = 32;

/// The texts for some ids, none where there are none. An id that has no room is nobody's: ours are shorter.
pub fn lists<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let ids: Vec<&str> = ids.into_iter().filter(|id| id.len() <= ROOM).collect();
    ids.chunks(TOGETHER).map(|some| some.iter().map(|id| format!("{id:<ROOM$}")).collect()).collect()
}

/// A column of a few rows, as one text: `rtrim(substr(text, i * width + 1, width))` is what row `i` has in it, where both
/// are cast to INTEGER as `substr` wants them.
pub struct Column {
    /// What the rows have, each padded to the longest.
    pub text: String,
    /// The letters of the longest.
    pub width: i64,
}

impl Column {
    /// What rows have in a column. Spaces at the end are lost.
    pub fn of<'a>(values: impl Iterator<Item = &'a str> + Clone) -> Column {
        let width = values.clone().map(|value| value.chars().count()).max().unwrap_or_default().max(1);
        let text = values.map(|value| format!("{value:<width$}")).collect();
        Column { text, width: i64::try_from(width).unwrap_or(i64::MAX) }
    }
}

/// Rows of a statement for many and of one for some. What is left over goes row by row.
const MANY: usize = 64;
const SOME: usize = 8;

/// A statement of one row, `VALUES ($1, $2)`, that is run for many rows at a time. Parameters that are the same for all
/// rows have lower numbers than the row's, and those of the row follow one another.
pub struct Several {
    one: &'static str,
    some: OnceLock<String>,
    many: OnceLock<String>,
}

impl Several {
    /// Of this statement.
    pub const fn of(one: &'static str) -> Several {
        Several { one, some: OnceLock::new(), many: OnceLock::new() }
    }

    /// Takes rows apart: a statement, and the rows whose parameters it wants, one row's after the other's.
    pub fn each<'a, T>(&'static self, rows: &'a [T]) -> impl Iterator<Item = (&'static str, &'a [T])> + use<'a, T> {
        let (many, left) = rows.split_at(rows.len() - rows.len() % MANY);
        let (some, left) = left.split_at(left.len() - left.len() % SOME);
        let with = |text: &'static str, rows: &'a [T], count: usize| rows.chunks(count).map(move |rows| (text, rows));
        let many = with(self.many.get_or_init(|| repeated(self.one, MANY)), many, MANY);
        let some = with(self.some.get_or_init(|| repeated(self.one, SOME)), some, SOME);
        many.chain(some).chain(with(self.one, left, 1))
    }
}

/// A statement with so many rows wherever it has one.
fn repeated(one: &str, count: usize) -> String {
    let mut parts = one.split("VALUES (");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (row, rest) = part.split_once(')').unwrap_or((part, ""));
        let numbers: Vec<usize> =
            row.split('$').skip(1).filter_map(|number| number.trim_end_matches(", ").parse().ok()).collect();
        let first = numbers.iter().min().copied().unwrap_or(1);
        let rows = (0..count).map(|index| {
            let begin = first + index * numbers.len();
            let places: Vec<String> = (begin..begin + numbers.len()).map(|number| format!("${number}")).collect();
            format!("({})", places.join(", "))
        });
        let rows: Vec<String> = rows.collect();
        text.push_str("VALUES ");
        text.push_str(&rows.join(", "));
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_room() {
        assert!(lists([]).is_empty());
        let [one] = <[String; 1]>::try_from(lists(["a", "bc", &"x".repeat(33)])).unwrap();
        assert_eq!(one, format!("a{}bc{}", " ".repeat(31), " ".repeat(30)));
        let column = Column::of(["ærlig", "", "å"].into_iter());
        assert_eq!((column.text.as_str(), column.width), ("ærlig     å    ", 5));
        assert_eq!(lists(["a"; 201]).iter().map(String::len).collect::<Vec<_>>(), [3_200, 3_200, 32]);
    }

    #[test]
    fn a_statement_of_one_row_is_one_of_many() {
        let one = "PUT t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO NOTHING";
        assert_eq!(repeated(one, 1), one);
        assert_eq!(repeated(one, 2), "PUT t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT (a) DO NOTHING");
        let two = "LET c = $1 WHERE a IN (VALUES ($2)) OR b IN (VALUES ($2))";
        let expected = "LET c = $1 WHERE a IN (VALUES ($2), ($3)) OR b IN (VALUES ($2), ($3))";
        assert_eq!(repeated(two, 2), expected);
    }

    #[test]
    fn no_row_is_left_out() {
        static PUT: Several = Several::of("PUT t (a) VALUES ($1)");
        let rows: Vec<usize> = (0..2 * MANY + SOME + 2).collect();
        let taken: Vec<(&str, &[usize])> = PUT.each(&rows).collect();
        assert_eq!(taken.iter().flat_map(|(_, rows)| rows.iter().copied()).collect::<Vec<_>>(), rows);
        assert_eq!(taken.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(), [MANY, MANY, SOME, 1, 1]);
        assert!(taken.iter().all(|(text, rows)| text.matches('$').count() == rows.len()));
        assert_eq!(PUT.each::<usize>(&[]).count(), 0);
    }
}
