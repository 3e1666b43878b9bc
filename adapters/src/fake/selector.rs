//! Label selectors, as far as fleets and strangers use them: `k=v`, `k==v`, `k!=v`, `k`, `!k`.

use super::refusal;
use crate::api::answer::Refused;
use std::collections::BTreeMap;

/// What a list or a watch is limited to. The empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    Is(String, String),
    IsNot(String, String),
    Present(String),
    Absent(String),
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// 400 where it makes no sense.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let parts = text.split(',').map(str::trim);
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        parts
            .map(|part| {
                let word = |word: &str| {
                    let word = word.trim();
                    let plain = word
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
                    plain.then(|| word.to_owned())
                };
                let pair = |(key, value): (&str, &str)| Some((word(key)?, word(value)?));
                let requirement = if let Some(sides) = part.split_once("!=") {
                    pair(sides).map(|(key, value)| Requirement::IsNot(key, value))
                } else if let Some((key, value)) = part.split_once('=') {
                    let value = value.strip_prefix('=').unwrap_or(value);
                    pair((key, value)).map(|(key, value)| Requirement::Is(key, value))
                } else if let Some(key) = part.strip_prefix('!') {
                    word(key).map(Requirement::Absent)
                } else {
                    word(part).map(Requirement::Present)
                };
                requirement
                    .filter(|requirement| !requirement.key().is_empty())
                    .ok_or_else(|| {
                        refusal::bad_request(format!("unable to parse requirement: {part:?}"))
                    })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an object with these labels is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::Is(key, value) => labels.get(key) == Some(value),
            Requirement::IsNot(key, value) => labels.get(key) != Some(value),
            Requirement::Present(key) => labels.contains_key(key),
            Requirement::Absent(key) => !labels.contains_key(key),
        })
    }
}

impl Requirement {
    fn key(&self) -> &str {
        match self {
            Self::Is(key, _) | Self::IsNot(key, _) | Self::Present(key) | Self::Absent(key) => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_select_as_the_server_does() {
        let labels = BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".into(), "".into())]);
        for (text, selected) in [
            ("", true),
            ("a=1", true),
            ("a==1", true),
            ("a=2", false),
            ("a!=2", true),
            ("c!=1", true),
            ("a!=1", false),
            ("a", true),
            ("b", true),
            ("c", false),
            ("!c", true),
            ("!a", false),
            ("a=1, c!=x", true),
            ("a=1,b", true),
        ] {
            let selector = Selector::parse(text).expect(text);
            assert_eq!(selector.matches(&labels), selected, "{text}");
        }
        for text in ["=1", "a=1,", "a b", "a=(1)"] {
            assert_eq!(
                Selector::parse(text).map_err(|e| e.code),
                Err(400),
                "{text}"
            );
        }
    }
}
