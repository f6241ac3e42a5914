/// The known name that a misspelt one was most likely meant to be, if any is near enough.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let allowed = (wanted.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let known = ["subject", "preheader", "first_name", "to"];
        assert_eq!(nearest("subjcet", known), Some("subject"));
        assert_eq!(nearest("pre-header", known), Some("preheader"));
        assert_eq!(nearest("frist_name", known), Some("first_name"));
        assert_eq!(nearest("colour", known), None);
    }
}
