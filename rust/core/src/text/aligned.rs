//! Text that remembers, byte by byte, which characters of the document it came from.

use std::borrow::Cow;
use std::ops::Range;

/// Which bytes of the document a byte came from: begin and end, on character boundaries.
pub type Origin = (u32, u32);

/// A text on its way through normalizers and pre-tokenizers.
///
/// Origins cost eight bytes a byte, so they are kept only where somebody asked for spans. The rules by which they
/// follow changes are those of the `tokenizers` library's `NormalizedString`: a character that replaces another has
/// its origin, an inserted one that of the byte before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aligned<'t> {
    text: Cow<'t, str>,
    origins: Option<Vec<Origin>>,
    start: u32,
}

impl<'t> Aligned<'t> {
    /// A stretch of a document that begins at its byte `start`.
    pub fn new(text: &'t str, start: u32, with_origins: bool) -> Self {
        let origins = with_origins.then(|| own_origins(text, start));
        Self { text: Cow::Borrowed(text), origins, start }
    }

    pub(super) fn from_parts(text: &'t str, origins: Option<Vec<Origin>>, start: u32) -> Self {
        Self { text: Cow::Borrowed(text), origins, start }
    }

    pub(super) fn from_owned(text: String, origins: Option<Vec<Origin>>, start: u32) -> Self {
        Self { text: Cow::Owned(text), origins, start }
    }

    /// The same with a text of its own.
    pub fn into_owned(self) -> Aligned<'static> {
        Aligned { text: Cow::Owned(self.text.into_owned()), origins: self.origins, start: self.start }
    }

    /// The text as it is now.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where in the document the text began before it was changed.
    pub fn start(&self) -> u32 {
        self.start
    }

    /// The origins of all bytes, if they are kept.
    pub fn origins(&self) -> Option<&[Origin]> {
        self.origins.as_deref()
    }

    /// The stretch of the document that a range of the text came from; None for an empty range and where origins
    /// are not kept.
    pub fn origin_of(&self, range: Range<usize>) -> Option<Origin> {
        let origins = self.origins.as_ref()?.get(range)?;
        Some((origins.first()?.0, origins.last()?.1))
    }

    /// A part of the text as a text of its own, as the `tokenizers` library slices: what it begins with in the
    /// document becomes its start.
    pub fn part(&self, range: Range<usize>) -> Aligned<'_> {
        let start = self.start_of(&range);
        let origins = self.origins.as_ref().map(|origins| origins[range.clone()].to_vec());
        Aligned { text: Cow::Borrowed(&self.text[range]), origins, start }
    }

    pub(super) fn start_of(&self, range: &Range<usize>) -> u32 {
        self.origin_of(range.clone()).map_or(self.start + range.start as u32, |origin| origin.0)
    }

    /// Replaces the whole text by `changes`: characters, each with 0 where it replaces the next old character, 1
    /// where it is inserted, and -n where it replaces the next one and the n after that are removed. The first
    /// `removed_first` characters are removed before that.
    pub fn transform(&mut self, changes: impl IntoIterator<Item = (char, isize)>, removed_first: usize) {
        self.rewrite(|_, new| {
            new.remove(removed_first);
            new.extend(changes);
        });
    }

    /// Replaces the whole text by what `write` makes of it, which goes through the old one from the left.
    pub(super) fn rewrite(&mut self, write: impl FnOnce(&str, &mut Rewritten<'_>)) {
        let mut new = Rewritten::of(self);
        write(&self.text, &mut new);
        let Rewritten { text, origins, .. } = new;
        (self.text, self.origins) = (Cow::Owned(text), origins);
    }

    /// Keeps the characters that `keep` wants.
    pub fn filter(&mut self, keep: impl Fn(char) -> bool) {
        if self.text.chars().all(&keep) {
            return;
        }
        self.rewrite(|old, new| {
            for character in old.chars() {
                if keep(character) {
                    new.replace(character);
                } else {
                    new.remove(1);
                }
            }
        });
    }

    /// Replaces each character by another.
    pub fn map(&mut self, change: impl Fn(char) -> char) {
        if self.text.chars().any(|character| change(character) != character) {
            self.rewrite(|old, new| old.chars().for_each(|character| new.replace(change(character))));
        }
    }

    /// Writes ASCII letters small, which moves no origin.
    pub fn make_ascii_lowercase(&mut self) {
        if self.text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            self.text.to_mut().make_ascii_lowercase();
        }
    }

    /// Puts `prefix` before the text, unless the text is empty.
    pub fn prepend(&mut self, prefix: &str) {
        if self.text.is_empty() || prefix.is_empty() {
            return;
        }
        if let Some(origins) = &mut self.origins {
            let first = origins[0];
            origins.splice(0..0, std::iter::repeat_n(first, prefix.len()));
        }
        self.text.to_mut().insert_str(0, prefix);
    }

    /// Puts `content` in place of each of `ranges`, which rise and do not overlap.
    pub fn replace(&mut self, ranges: &[Range<usize>], content: &str) {
        if ranges.is_empty() {
            return;
        }
        let mut text = String::with_capacity(self.text.len());
        let mut origins = self.origins.as_ref().map(|old| Vec::with_capacity(old.len()));
        let mut done = 0;
        let end = self.text.len()..self.text.len();
        for (range, is_match) in ranges.iter().map(|range| (range, true)).chain([(&end, false)]) {
            text.push_str(&self.text[done..range.start]);
            if let (Some(new), Some(old)) = (&mut origins, &self.origins) {
                new.extend_from_slice(&old[done..range.start]);
            }
            if is_match {
                text.push_str(content);
                if let (Some(new), Some(old)) = (&mut origins, &self.origins) {
                    let origin = range.end.checked_sub(1).map_or((self.start, self.start), |last| old[last]);
                    new.resize(text.len(), origin);
                }
            }
            done = range.end;
        }
        self.text = Cow::Owned(text);
        self.origins = origins;
    }

    /// Removes white space from the ends.
    pub fn strip(&mut self, left: bool, right: bool) {
        let start = if left { self.text.len() - self.text.trim_start().len() } else { 0 };
        let end = if right { self.text.trim_end().len().max(start) } else { self.text.len() };
        if start > 0 || end < self.text.len() {
            self.text = Cow::Owned(self.text[start..end].to_owned());
            self.origins = self.origins.take().map(|origins| origins[start..end].to_vec());
        }
    }
}

/// A text that takes the place of an old one, character by character.
#[derive(Debug)]
pub(super) struct Rewritten<'o> {
    text: String,
    origins: Option<Vec<Origin>>,
    old: &'o str,
    old_origins: &'o [Origin],
    /// How many bytes of the old text are replaced or removed so far.
    done: usize,
    start: Origin,
}

impl<'o> Rewritten<'o> {
    fn of(old: &'o Aligned<'_>) -> Self {
        Self {
            text: String::with_capacity(old.text.len()),
            origins: old.origins.as_ref().map(|origins| Vec::with_capacity(origins.len())),
            old: &old.text,
            old_origins: old.origins.as_deref().unwrap_or_default(),
            done: 0,
            start: (old.start, old.start),
        }
    }

    /// Puts a character in place of the next old one.
    pub(super) fn replace(&mut self, character: char) {
        let origin = self.old_origins.get(self.done).or(self.old_origins.last()).copied();
        self.push(character, origin);
        self.remove(1);
    }

    /// Puts a character before the next old one; its origin is that of the byte before it.
    pub(super) fn insert(&mut self, character: char) {
        let before = self.done.checked_sub(1).and_then(|before| self.old_origins.get(before));
        self.push(character, before.copied());
    }

    /// Leaves out the next old characters.
    pub(super) fn remove(&mut self, count: usize) {
        if self.origins.is_some() {
            let rest = self.old.get(self.done..).unwrap_or_default();
            self.done += rest.chars().take(count).map(char::len_utf8).sum::<usize>();
        }
    }

    /// Puts each character of `part` in place of the next old one; `part` is most often the old text itself.
    pub(super) fn keep(&mut self, part: &str) {
        let Some(origins) = &mut self.origins else {
            self.text.push_str(part);
            return;
        };
        let end = self.done + part.len();
        match self.old_origins.get(self.done..end) {
            Some(old) if self.old.get(self.done..end) == Some(part) => {
                self.text.push_str(part);
                origins.extend_from_slice(old);
                self.done = end;
            }
            _ => part.chars().for_each(|character| self.replace(character)),
        }
    }

    /// Whether nothing is written yet.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn push(&mut self, character: char, origin: Option<Origin>) {
        self.text.push(character);
        if let Some(origins) = &mut self.origins {
            origins.resize(self.text.len(), origin.unwrap_or(self.start));
        }
    }
}

/// Characters with their changes, as [`Aligned::transform`] has them.
impl Extend<(char, isize)> for Rewritten<'_> {
    fn extend<I: IntoIterator<Item = (char, isize)>>(&mut self, changes: I) {
        for (character, change) in changes {
            if change > 0 {
                self.insert(character);
            } else {
                self.replace(character);
                self.remove(change.unsigned_abs());
            }
        }
    }
}

fn own_origins(text: &str, start: u32) -> Vec<Origin> {
    let mut origins = Vec::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        let begin = start + place as u32;
        let end = begin + character.len_utf8() as u32;
        origins.resize(origins.len() + character.len_utf8(), (begin, end));
    }
    origins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aligned(text: &str) -> Aligned<'_> {
        Aligned::new(text, 10, true)
    }

    #[test]
    fn origins_follow_changes() {
        let mut text = aligned("aéb");
        text.transform([('a', 0), ('e', 0), ('\u{301}', 1), ('b', 0)], 0);
        assert_eq!(text.as_str(), "ae\u{301}b");
        assert_eq!(text.origins().unwrap(), [(10, 11), (11, 13), (11, 13), (11, 13), (13, 14)]);
        let mut text = aligned("  ab c");
        text.filter(|character| character != ' ');
        assert_eq!((text.as_str(), text.origin_of(0..3)), ("abc", Some((12, 16))));
        assert_eq!(text.origin_of(1..2), Some((13, 14)));
    }

    #[test]
    fn prefixes_and_replacements() {
        let mut text = aligned("ab");
        text.prepend("▁");
        assert_eq!(
            (text.as_str(), text.origin_of(0..3), text.origin_of(3..4)),
            ("▁ab", Some((10, 11)), Some((10, 11)))
        );
        let mut text = aligned("a  b");
        text.replace(&[1..2, 2..3], "▁");
        assert_eq!(
            (text.as_str(), text.origin_of(1..4), text.origin_of(4..7)),
            ("a▁▁b", Some((11, 12)), Some((12, 13)))
        );
        let mut empty = aligned("");
        empty.prepend("x");
        assert_eq!(empty.as_str(), "");
    }

    #[test]
    fn strip_keeps_the_origins_of_what_is_left() {
        let mut text = aligned(" \u{3000}a ");
        text.strip(true, true);
        assert_eq!((text.as_str(), text.origin_of(0..1)), ("a", Some((14, 15))));
        let mut space = aligned("  ");
        space.strip(true, true);
        assert_eq!(space.as_str(), "");
    }

    #[test]
    fn without_origins_the_text_is_the_same() {
        for change in [
            (|text: &mut Aligned<'_>| text.filter(|c| c != 'a')) as fn(&mut Aligned<'_>),
            |text| text.map(|c| c.to_ascii_uppercase()),
            |text| text.prepend("xy"),
            |text| text.replace(std::slice::from_ref(&(0..1)), "long"),
            |text| text.strip(true, false),
        ] {
            let (mut with, mut without) = (aligned("a banana "), Aligned::new("a banana ", 0, false));
            change(&mut with);
            change(&mut without);
            assert_eq!(with.as_str(), without.as_str());
            assert_eq!(with.origins().map(<[Origin]>::len), Some(with.as_str().len()));
        }
    }
}
