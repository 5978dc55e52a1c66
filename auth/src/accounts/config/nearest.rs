//! What somebody meant who wrote something else.

/// The known name that the fewest changes of letters lead to, `most` at the most.
pub(super) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>, most: usize) -> Option<&'a str> {
    // Longer than any name: nothing is near it, and nobody waits for that to be found out.
    if wrong.len() > 64 {
        return None;
    }
    known.map(|name| (distance(wrong, name), name)).filter(|(changes, _)| *changes <= most).min().map(|(_, name)| name)
}

/// How many letters are to be put in, left out or changed (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (above, left) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], above + 1);
        for (index, right) in b.chars().enumerate() {
            let changed = diagonal + usize::from(left != right);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_found_if_it_is_near() {
        let known = ["session.idle", "session.name", "secret"];
        assert_eq!(nearest("session.iddle", known.into_iter(), 2), Some("session.idle"));
        assert_eq!(nearest("secert", known.into_iter(), 2), Some("secret"));
        assert_eq!(nearest("colour", known.into_iter(), 2), None);
        assert_eq!(nearest(&"s".repeat(1000), known.into_iter(), 2), None);
        assert_eq!([distance("", "abc"), distance("abc", "abc"), distance("kitten", "sitting")], [3, 0, 3]);
    }
}
