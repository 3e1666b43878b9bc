//! spark-defaults.conf as Spark reads it: Java properties.

/// A key, its value, and where it was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub key: String,
    pub value: String,
    /// `FILE:LINE`, or `--set`.
    pub place: String,
}

/// Reads the text of a file of that name. No text is refused: Spark takes any.
pub fn read(text: &str, name: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((at, line)) = lines.next() {
        let line = line.trim_start_matches(blank);
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        // An odd number of backslashes at its end: it goes on in the next line.
        while ends_open(&whole) {
            whole.pop();
            match lines.next() {
                Some((_, more)) => whole.push_str(more.trim_start_matches(blank)),
                None => break,
            }
        }
        let (key, value) = parts(&whole);
        settings.push(Setting {
            key,
            // Spark trims what it reads; Java does not.
            value: value
                .trim_matches(|c: char| c <= ' ' && c != '\n' && c != '\r')
                .to_owned(),
            place: format!("{name}:{}", at + 1),
        });
    }
    settings
}

fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn ends_open(line: &str) -> bool {
    let backslashes = line.len() - line.trim_end_matches('\\').len();
    backslashes % 2 == 1
}

/// The key up to the first blank, `=` or `:` that is not escaped, and the value after it.
fn parts(line: &str) -> (String, String) {
    let mut escaped = false;
    let ends = |(_, c): &(usize, char)| {
        let end = !escaped && (blank(*c) || matches!(c, '=' | ':'));
        escaped = !escaped && *c == '\\';
        end
    };
    let end = line
        .char_indices()
        .find(ends)
        .map_or(line.len(), |(at, _)| at);
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(blank);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (unescaped(key), unescaped(rest.trim_start_matches(blank)))
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut units: Vec<u16> = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let escaped = (c == '\\').then(|| chars.next()).flatten();
        if escaped == Some('u') {
            let digits: String = chars.as_str().chars().take(4).collect();
            if let (4, Ok(unit)) = (digits.len(), u16::from_str_radix(&digits, 16)) {
                units.push(unit);
                chars = chars.as_str()[4..].chars();
                continue;
            }
        }
        flush(&mut units, &mut out);
        match (c, escaped) {
            ('\\', None) => {}
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('r')) => out.push('\r'),
            ('\\', Some('f')) => out.push('\u{c}'),
            ('\\', Some(other)) => out.push(other),
            (plain, _) => out.push(plain),
        }
    }
    flush(&mut units, &mut out);
    out
}

/// A character beyond 16 bits is written as two escapes.
fn flush(units: &mut Vec<u16>, out: &mut String) {
    if !units.is_empty() {
        out.push_str(&String::from_utf16_lossy(units));
        units.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        let settings = read(text, "f").into_iter();
        settings
            .map(|setting| (setting.key, setting.value))
            .collect()
    }

    #[test]
    fn properties_are_read_as_java_reads_them() {
        for (line, key, value) in [
            ("spark.a   1", "spark.a", "1"),
            ("spark.a=1", "spark.a", "1"),
            ("  spark.a\t=  1  ", "spark.a", "1"),
            ("spark.a: 1", "spark.a", "1"),
            ("spark.a", "spark.a", ""),
            ("spark.a = = 1", "spark.a", "= 1"),
            ("spark.a -Dx=1 -Dy=2", "spark.a", "-Dx=1 -Dy=2"),
            ("spark.a 1 # no comment", "spark.a", "1 # no comment"),
            (r"spark\ a\=b 1", "spark a=b", "1"),
            (r"spark.a a\tb\u0041\\", "spark.a", "a\tbA\\"),
            (r"spark.a \ud83d\ude00\u12", "spark.a", "\u{1f600}u12"),
            (
                "spark.a one,\\\n    two,\\\n\tthree",
                "spark.a",
                "one,two,three",
            ),
            ("spark.a one\\", "spark.a", "one"),
        ] {
            assert_eq!(pairs(line), [(key.to_owned(), value.to_owned())], "{line}");
        }
        assert!(pairs("# spark.a 1\n! spark.b 2\n\n   \n").is_empty());
        let last = read("# a\nspark.a 1 \\\n 2\nspark.b 3\n", "f").pop();
        assert_eq!(last.map(|last| last.place).as_deref(), Some("f:4"));
    }
}
