//! A `SentencePiece` model's rewrite rules, as the `tokenizers` library applies them.
//!
//! Not as `SentencePiece` does: it takes the longest key that the rest of the text begins with, while here a grapheme
//! cluster of fewer than six bytes is replaced whole by what its *shortest* prefix among the keys turns into
//! ("\r\n" becomes what "\r" becomes), and failing that, character by character.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::Charsmap;
use crate::text::aligned::{Aligned, Rewritten};
use crate::text::characters::{Facts, Pages};
use crate::text::graphemes;
use crate::{Error, Result};

/// As lenient about padding as the original.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Clusters of this many bytes and more are not looked up whole.
const LONG_CLUSTER: usize = 6;

/// The rules, and the base64 in which a `tokenizer.json` holds them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "PrecompiledFile", into = "PrecompiledFile")]
pub struct Precompiled {
    file: PrecompiledFile,
    charsmap: Arc<Charsmap>,
    /// What is known of each character.
    pages: Arc<Pages>,
}

/// No key begins with the character.
const LEFT: Facts = 1;
/// See [`graphemes::is_apart`].
const APART: Facts = 2;
/// See [`graphemes::joins_previous`].
const JOINS: Facts = 4;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrecompiledFile {
    precompiled_charsmap: String,
}

impl TryFrom<PrecompiledFile> for Precompiled {
    type Error = Error;

    fn try_from(file: PrecompiledFile) -> Result<Self> {
        let blob = BASE64.decode(&file.precompiled_charsmap).map_err(|error| {
            let error = error.to_string();
            let what = format!("precompiled_charsmap is not base64: {}", error.trim_end_matches('.'));
            Error::new(what).advise("take the original file")
        })?;
        Ok(Self::new(Charsmap::parse(&blob)?, file))
    }
}

impl From<Precompiled> for PrecompiledFile {
    fn from(precompiled: Precompiled) -> Self {
        precompiled.file
    }
}

impl Precompiled {
    /// Rules from the blob that a `SentencePiece` model holds.
    pub fn from_blob(blob: &[u8]) -> Result<Self> {
        let file = PrecompiledFile { precompiled_charsmap: BASE64.encode(blob) };
        Ok(Self::new(Charsmap::parse(blob)?, file))
    }

    fn new(charsmap: Charsmap, file: PrecompiledFile) -> Self {
        Self { file, charsmap: Arc::new(charsmap), pages: Arc::new(Pages::new()) }
    }

    /// The rules.
    pub(crate) fn charsmap(&self) -> &Arc<Charsmap> {
        &self.charsmap
    }

    pub(super) fn apply(&self, text: &mut Aligned<'_>) {
        let edits = self.edits(text.as_str());
        if edits.is_empty() {
            return;
        }
        text.rewrite(|old, new| {
            let mut writer = Writer { new, held: None };
            let mut done = 0;
            for (range, replacement) in edits {
                writer.keep(&old[done..range.start]);
                done = range.end;
                writer.replace(&old[range], replacement);
            }
            writer.keep(&old[done..]);
        });
    }

    /// The ranges of `text` that change, in order, and what they become.
    fn edits(&self, text: &str) -> Vec<(Range<usize>, &str)> {
        let mut edits = Vec::new();
        let mut place = 0;
        while place < text.len() {
            place = self.edit_ascii(text, place, &mut edits);
            place = self.edit_others(text, place, &mut edits);
        }
        edits
    }

    /// The same for the characters from `place` on, where a cluster begins, to where ASCII goes on or clusters had to be
    /// looked for; returns where that is. Most characters begin no key, and of most it is known where their clusters end.
    fn edit_others<'c>(
        &'c self,
        text: &str,
        place: usize,
        edits: &mut Vec<(Range<usize>, &'c str)>,
    ) -> usize {
        // The last place where a cluster begins for certain. What was met from there on begins no key, if it begins a
        // cluster.
        let mut start = place;
        // Whether a character that joins the one before begins no cluster here, and whether one that is apart does.
        let (mut can_be_joined, mut is_after_apart) = (false, true);
        let mut characters = text[place..].char_indices().peekable();
        while let Some((offset, character)) = characters.next() {
            let here = place + offset;
            if here > place && is_break(text.as_bytes(), here) {
                return here;
            }
            let facts = self.facts(character);
            let is_apart = facts & APART != 0;
            if is_after_apart && is_apart {
                start = here;
            }
            if facts & LEFT == 0 {
                let is_inside = can_be_joined && facts & JOINS != 0;
                let mut ends_alone = || characters.peek().is_none_or(|next| self.facts(next.1) & APART != 0);
                let is_certain = is_inside || (is_apart && start == here && ends_alone());
                if !is_certain {
                    return self.edit_clusters(text, start, here, edits);
                }
                let range = here..here + character.len_utf8();
                let found = self.charsmap.shortest_prefix(&text.as_bytes()[range.clone()]);
                edits.extend(found.map(|(_, text)| (range, text)));
            }
            is_after_apart = is_apart;
            can_be_joined = is_apart || (can_be_joined && facts & JOINS != 0);
        }
        text.len()
    }

    /// The same for what is from `here` on of the cluster around it, when a cluster begins at `start`; returns its end.
    /// If it begins before `here`, it begins no key.
    fn edit_clusters<'c>(
        &'c self,
        text: &str,
        start: usize,
        here: usize,
        edits: &mut Vec<(Range<usize>, &'c str)>,
    ) -> usize {
        let mut begin = start;
        for cluster in text[start..].graphemes(true) {
            let end = begin + cluster.len();
            if begin == here {
                self.edit_cluster(cluster, begin, edits);
                return end;
            }
            if end > here {
                self.edit_characters(&text[here..end], here, edits);
                return end;
            }
            begin = end;
        }
        begin
    }

    fn facts(&self, character: char) -> Facts {
        self.pages.of(character, |character| {
            let begins_key = self.charsmap.may_begin_key(character.encode_utf8(&mut [0; 4]).as_bytes());
            let fact = |is_so, fact| if is_so { fact } else { 0 };
            fact(!begins_key, LEFT)
                | fact(graphemes::is_apart(character), APART)
                | fact(graphemes::joins_previous(character), JOINS)
        })
    }

    /// The same for the ASCII characters from `place` on that are clusters by themselves; returns where they end.
    fn edit_ascii<'c>(&'c self, text: &str, place: usize, edits: &mut Vec<(Range<usize>, &'c str)>) -> usize {
        let mut end = place;
        for byte in &text.as_bytes()[place..] {
            if !byte.is_ascii() || (end + 1 < text.len() && !is_break(text.as_bytes(), end + 1)) {
                break;
            }
            if self.charsmap.is_ascii_key(*byte) {
                self.edit_cluster(&text[end..=end], end, edits);
            }
            end += 1;
        }
        end
    }

    fn edit_cluster<'c>(&'c self, cluster: &str, place: usize, edits: &mut Vec<(Range<usize>, &'c str)>) {
        if cluster.len() < LONG_CLUSTER
            && let Some((_, text)) = self.charsmap.shortest_prefix(cluster.as_bytes())
        {
            edits.push((place..place + cluster.len(), text));
            return;
        }
        self.edit_characters(cluster, place, edits);
    }

    fn edit_characters<'c>(&'c self, text: &str, place: usize, edits: &mut Vec<(Range<usize>, &'c str)>) {
        for (start, character) in text.char_indices() {
            let end = start + character.len_utf8();
            let found = self.charsmap.shortest_prefix(&text.as_bytes()[start..end]);
            edits.extend(found.map(|(_, text)| (place + start..place + end, text)));
        }
    }
}

/// Whether a cluster ends at `place` whatever surrounds it: between two ASCII characters that are not "\r\n".
fn is_break(text: &[u8], place: usize) -> bool {
    match text.get(place.saturating_sub(1)..=place) {
        Some([before, after]) => before.is_ascii() && after.is_ascii() && [*before, *after] != *b"\r\n",
        _ => false,
    }
}

/// Writes with the original's arithmetic of origins.
struct Writer<'w, 'o> {
    new: &'w mut Rewritten<'o>,
    /// A character that was inserted last, and not written yet.
    held: Option<char>,
}

impl Writer<'_, '_> {
    fn keep(&mut self, part: &str) {
        if !part.is_empty() {
            self.release();
            self.new.keep(part);
        }
    }

    fn release(&mut self) {
        if let Some(held) = self.held.take() {
            self.new.insert(held);
        }
    }

    fn replace(&mut self, old: &str, replacement: &str) {
        let mut count = old.chars().count();
        if replacement.is_empty() {
            self.remove(count);
            return;
        }
        self.release();
        for character in replacement.chars() {
            if count > 0 {
                self.new.replace(character);
                count -= 1;
            } else {
                self.release();
                self.held = Some(character);
            }
        }
        self.new.remove(count);
    }

    /// The original adds what is removed to the change of the character before. Where that one was inserted it
    /// replaces the first removed one instead, and where there is none the removal is forgotten, so that all origins
    /// after it lag behind.
    fn remove(&mut self, count: usize) {
        if let Some(held) = self.held.take() {
            self.new.replace(held);
            self.new.remove(count - 1);
        } else if !self.new.is_empty() {
            self.new.remove(count);
        }
    }
}

impl Drop for Writer<'_, '_> {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::charsmap::blob;
    use super::*;

    const RULES: [(&str, &str); 17] = [
        ("\t", " "),
        ("\r", " "),
        ("\n", "|"),
        ("\u{1}", ""),
        ("™", "TM"),
        ("ﬁ", "fi"),
        ("e\u{301}", "é"),
        ("ab", "never, because these are two clusters"),
        ("Z", "z"),
        ("👍", "+1"),
        ("か\u{3099}", "が"),
        ("\u{324}", "."),
        ("🇷", "R"),
        ("\u{1161}", "A"),
        ("\u{903}", ":"),
        ("क\u{94d}", "k"),
        ("\u{85}", ""),
    ];

    fn example() -> Precompiled {
        Precompiled::from_blob(&blob::of(&RULES)).unwrap()
    }

    fn normalized(text: &str) -> (String, Vec<(u32, u32)>) {
        let mut aligned = Aligned::new(text, 0, true);
        example().apply(&mut aligned);
        (aligned.as_str().to_owned(), aligned.origins().unwrap().to_vec())
    }

    #[test]
    fn clusters_and_characters() {
        for (text, expected) in [
            ("", ""),
            ("plain ab", "plain ab"),
            ("a\tZ", "a z"),
            ("\r", " "),
            ("\r\n", " "),
            ("a\r\n\nb", "a |b"),
            ("e\u{301}", "é"),
            ("xe\u{301}x", "xéx"),
            ("e\u{301}\u{323}", "é"),
            ("e\u{301}\u{323}\u{323}", "e\u{301}\u{323}\u{323}"),
            ("ﬁ\u{301}", "fi"),
            ("👍🏽", "+1🏽"),
            // Six bytes, so the pair is not looked up.
            ("か\u{3099}", "か\u{3099}"),
            ("\u{600}Z", "\u{600}z"),
        ] {
            assert_eq!(normalized(text).0, expected, "{text:?}");
        }
    }

    #[test]
    fn origins_are_reckoned_as_the_original_does() {
        for (text, origins) in [
            ("a™b", vec![(0, 1), (1, 4), (1, 4), (4, 5)]),
            ("a\u{1}b", vec![(0, 1), (2, 3)]),
            // The inserted M takes the place of what is removed after it.
            ("™\u{1}g", vec![(0, 3), (3, 4), (4, 5)]),
            ("™\u{1}\u{1}g", vec![(0, 3), (3, 4), (5, 6)]),
            // A removal at the very beginning is forgotten.
            ("\u{1}bc", vec![(0, 1), (1, 2)]),
            ("\u{1}™c", vec![(0, 1), (0, 1), (1, 4)]),
            ("\r\nc", vec![(0, 1), (2, 3)]),
        ] {
            assert_eq!(normalized(text).1, origins, "{text:?}");
        }
    }

    #[test]
    fn the_base64_is_written_back() {
        let written = serde_json::to_string(&example()).unwrap();
        let read: Precompiled = serde_json::from_str(&written).unwrap();
        assert_eq!(
            (read.charsmap, read.file.precompiled_charsmap.len()),
            (example().charsmap, written.len() - 27)
        );
        for (text, why) in [("a-b=", "not base64"), ("", "shorter than its header"), ("AAAAAAAA", "no trie")]
        {
            let refused = Precompiled::try_from(PrecompiledFile { precompiled_charsmap: text.to_owned() });
            assert!(refused.unwrap_err().to_string().contains(why), "{text}");
        }
    }

    /// The rule itself, without the quick way through ASCII.
    fn plainly(text: &str) -> String {
        let (rules, mut new) = (example().charsmap, String::new());
        for cluster in text.graphemes(true) {
            match rules.shortest_prefix(cluster.as_bytes()).filter(|_| cluster.len() < LONG_CLUSTER) {
                Some((_, replacement)) => new.push_str(replacement),
                None => new.extend(cluster.chars().map(|character| {
                    let part = character.to_string();
                    rules.shortest_prefix(part.as_bytes()).map_or(part.clone(), |(_, text)| text.to_owned())
                })),
            }
        }
        new
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn the_quick_way_changes_nothing(text in "([ab Z\r\n\t\u{1}日\u{85}]|[e™ﬁ\u{301}\u{323}\u{324}\u{200d}👍🏽\u{600}か\u{3099}🇫🇷각가ᄀ\u{1161}\u{11a8}क\u{94d}\u{903}]){0,16}") {
            prop_assert_eq!(normalized(&text).0, plainly(&text));
        }
    }
}
