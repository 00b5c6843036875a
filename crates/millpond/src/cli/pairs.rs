//! Options that are given as NAME=VALUE and may be repeated. A name that is given twice is refused, because only one of
//! the values could count.

use crate::failure::Failure;

/// The names and values that `option` was given, in their order.
pub(super) fn read<'a>(option: &str, given: &'a [String]) -> Result<Vec<(&'a str, &'a str)>, Failure> {
    let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(given.len());
    for text in given {
        let pair = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::usage(format!("{option} takes NAME=VALUE, not `{text}`")))?;
        if pairs.iter().any(|(name, _)| *name == pair.0) {
            return Err(Failure::usage(format!("{option} names {} twice; leave one of them out", pair.0)));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::read;

    fn given(texts: &[&str]) -> Result<Vec<(String, String)>, String> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        read("--tag", &texts)
            .map(|pairs| pairs.into_iter().map(owned).collect())
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_value_may_be_empty_and_hold_the_sign() {
        let pairs = given(&["b=1=2", "a="]).unwrap();
        assert_eq!(pairs, [("b".to_owned(), "1=2".to_owned()), ("a".to_owned(), String::new())]);
    }

    #[test]
    fn what_is_no_pair_and_what_is_given_twice_is_refused() {
        assert!(given(&["a"]).unwrap_err().contains("`a`"));
        assert!(given(&["=1"]).is_err());
        assert!(given(&["a=1", "b=2", "a=1"]).unwrap_err().contains("--tag names a twice"));
    }
}
