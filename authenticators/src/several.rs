//! Many rows by one statement: their ids travel as one text, which both engines take apart in the same words.
//!
//! Such a statement asks `IN (WITH RECURSIVE place (i) AS (SELECT 1 UNION ALL SELECT i + 32 FROM place WHERE i + 32 <=
//! length($1)) SELECT rtrim(substr($1, i, 32)) FROM place)`, where `$1` is one of these [`lists`].

/// Ids in one text at the most; more are another statement.
const TOGETHER: usize = 500;
/// The room that an id has in it, as it stands in the statements.
const ROOM: usize = 32;

/// The texts for some ids, none where there are none. An id that has no room is nobody's: ours are shorter.
pub fn lists<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let ids: Vec<&str> = ids.into_iter().filter(|id| id.len() <= ROOM).collect();
    ids.chunks(TOGETHER).map(|some| some.iter().map(|id| format!("{id:<ROOM$}")).collect()).collect()
}

/// A column of many rows, as one text: `rtrim(substr(text, i * width + 1, width))` is what row `i` has in it, where both
/// are cast to INTEGER as `substr` wants them.
pub struct Column {
    /// What the rows have, each padded to the longest.
    pub text: String,
    /// The letters of the longest.
    pub width: i64,
}

impl Column {
    /// What rows have in a column. Spaces at the end are lost. The rows of a statement should be few: both engines find
    /// a place in a text by counting letters from its beginning.
    pub fn of<'a>(values: impl Iterator<Item = &'a str> + Clone) -> Column {
        let width = values.clone().map(|value| value.chars().count()).max().unwrap_or_default().max(1);
        let text = values.map(|value| format!("{value:<width$}")).collect();
        Column { text, width: i64::try_from(width).unwrap_or(i64::MAX) }
    }
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
        assert_eq!(lists(["a"; 1001]).iter().map(String::len).collect::<Vec<_>>(), [16_000, 16_000, 32]);
    }
}
