//! A stream of bytes, cut into lines: each byte is looked at once and copied at most once.

use bytes::{Bytes, BytesMut};

/// No event of an API server is longer: etcd takes objects of 1.5 MiB.
const LONGEST: usize = 32 << 20;

/// What has come and is not yet a whole line.
#[derive(Default)]
pub(super) struct Lines {
    buffer: BytesMut,
    /// No newline before this.
    searched: usize,
}

/// The line is longer than any event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        if self.buffer.len().saturating_add(chunk.len()) > LONGEST {
            return Err(TooLong);
        }
        self.buffer.extend_from_slice(chunk);
        Ok(())
    }

    /// The next whole line that is not blank, without its end.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        loop {
            let Some(at) = self.buffer[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n')
            else {
                self.searched = self.buffer.len();
                return None;
            };
            let mut line = self.buffer.split_to(self.searched + at + 1).freeze();
            self.searched = 0;
            line.truncate(line.len() - 1);
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }

    /// Whether a line has begun that has not ended.
    pub(super) fn is_midway(&self) -> bool {
        !self.buffer.trim_ascii().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn where_the_chunks_are_cut_does_not_matter(
            text in "[ab\\n]{0,60}",
            cuts in proptest::collection::vec(0usize..60, 0..8),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().filter(|at| *at < text.len()).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let (mut lines, mut seen, mut from) = (Lines::default(), Vec::new(), 0);
            for cut in cuts {
                lines.push(&text.as_bytes()[from..cut]).expect("short");
                from = cut;
                while let Some(line) = lines.next() {
                    seen.push(String::from_utf8(line.to_vec()).expect("text"));
                }
            }
            let mut whole: Vec<_> = text.split('\n').map(str::to_owned).collect();
            let rest = whole.pop().unwrap_or_default();
            whole.retain(|line| !line.is_empty());
            prop_assert_eq!(seen, whole);
            prop_assert_eq!(lines.is_midway(), !rest.is_empty());
        }
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let mut lines = Lines::default();
        let chunk = vec![b'x'; 1 << 20];
        let pushed = (0..64).take_while(|_| lines.push(&chunk).is_ok()).count();
        assert_eq!(pushed, 32);
        assert_eq!(lines.next(), None);
    }
}
