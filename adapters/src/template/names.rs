//! What Kubernetes takes for a name, a label and an environment variable.

/// Lower case letters, digits and `-`, at most `most` of them, with no `-` at either end.
#[must_use]
pub fn is_dns_label(text: &str, most: usize) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=most).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Letters, digits, `-`, `_` and `.`, at most 63, with a letter or digit at both ends; may be empty.
#[must_use]
pub fn is_label_value(text: &str) -> bool {
    let end = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    let inner = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    bytes.is_empty()
        || bytes.len() <= 63 && bytes.iter().all(inner) && end(bytes.first()) && end(bytes.last())
}

/// A label's or an annotation's key: a name, with a DNS prefix and a slash before it or without.
#[must_use]
pub fn is_label_key(text: &str) -> bool {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let dns = |prefix: &str| {
        prefix.len() <= 253 && prefix.split('.').all(|label| is_dns_label(label, 253))
    };
    !name.is_empty() && is_label_value(name) && prefix.is_none_or(dns)
}

/// What Kubernetes takes for the name of an environment variable: printable ASCII but `=`.
#[must_use]
pub fn is_env_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| (b' '..=b'~').contains(&b) && b != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_the_server_judges_them() {
        for (text, dns, value, key) in [
            ("", false, true, false),
            ("a", true, true, true),
            ("a-1", true, true, true),
            ("-a", false, false, false),
            ("a-", false, false, false),
            ("A_b.c", false, true, true),
            ("evenkeel.dev/fleet", false, false, true),
            ("/fleet", false, false, false),
            ("evenkeel.dev/", false, false, false),
            ("a/b/c", false, false, false),
            ("ä", false, false, false),
        ] {
            assert_eq!(is_dns_label(text, 63), dns, "{text}");
            assert_eq!(is_label_value(text), value, "{text}");
            assert_eq!(is_label_key(text), key, "{text}");
        }
        assert!(is_dns_label(&"a".repeat(40), 40) && !is_dns_label(&"a".repeat(41), 40));
        assert!(is_label_value(&"a".repeat(63)) && !is_label_value(&"a".repeat(64)));
        assert!(is_env_name("LEVEL") && !is_env_name("A=B") && !is_env_name(""));
    }
}
