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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_room() {
        assert!(lists([]).is_empty());
        let [one] = <[String; 1]>::try_from(lists(["a", "bc", &"x".repeat(33)])).unwrap();
        assert_eq!(one, format!("a{}bc{}", " ".repeat(31), " ".repeat(30)));
        assert_eq!(lists(["a"; 1001]).iter().map(String::len).collect::<Vec<_>>(), [16_000, 16_000, 32]);
    }
}
