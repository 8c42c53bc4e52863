//! What a normalizer makes of a character, where that does not depend on the characters around it.
//!
//! All steps that are known here change character by character, but for one thing: after a decomposition the marks that
//! follow a character are put in canonical order, with those of the characters before and after among them. Marks that
//! a later step removes do not show it. So a character *meets its neighbours* if, at some decomposition, it has a mark
//! (a character with a combining class) of which anything is left in the end.
//!
//! In a text of which no character does, all marks that are ever put in order are doomed: nothing is left of them.
//! What is not doomed keeps its order, because only marks are moved, and each character is changed as it would be
//! alone. So the text becomes what its characters become, one after the other. Of those that meet their neighbours
//! whole runs must be normalized together. Such a run ends before the next character that does not and of which
//! something is left: at each decomposition that one has a character without a class, over which no mark is moved.

use unicode_categories::UnicodeCategories;
use unicode_normalization_alignments::char::{
    canonical_combining_class, decompose_canonical, decompose_compatible, is_combining_mark,
};

use super::{Normalizer, bert, unicode};

/// A normalizer as steps that change character by character.
///
/// ```
/// use fastmask_core::text::Normalizer;
/// use fastmask_core::text::normalize::CharacterSteps;
/// let bert = r#"{"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
///     "lowercase": true}"#;
/// let normalizer: Normalizer = serde_json::from_str(bert)?;
/// let changed = CharacterSteps::of(&normalizer).unwrap().apply('É');
/// assert_eq!((&*changed.text, changed.meets_neighbours), (&['e'][..], false));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CharacterSteps(Vec<Step>);

/// What has become of a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// What it is alone.
    pub text: Vec<char>,
    /// Whether it may be something else between others.
    pub meets_neighbours: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Clean,
    SeparateChinese,
    DecomposeCanonically,
    DecomposeCompatibly,
    RemoveNonspacingMarks,
    RemoveMarks,
    Lowercase,
    Nmt,
}

impl CharacterSteps {
    /// The steps of a normalizer; None if it has one that looks at more than a character.
    pub fn of(normalizer: &Normalizer) -> Option<Self> {
        let mut steps = Vec::new();
        add(normalizer, &mut steps).then_some(Self(steps))
    }

    /// What becomes of a character.
    pub fn apply(&self, character: char) -> Changed {
        let mut changed = Changed { text: vec![character], meets_neighbours: false };
        for (place, step) in self.0.iter().enumerate() {
            let mut text = Vec::with_capacity(changed.text.len() + 2);
            for &character in &changed.text {
                step.apply(character, &mut text);
            }
            if step.puts_in_order() {
                put_in_order(&mut text);
                let rest = &self.0[place + 1..];
                changed.meets_neighbours |=
                    text.iter().any(|&mark| canonical_combining_class(mark) != 0 && !is_doomed(mark, rest));
            }
            changed.text = text;
        }
        changed
    }
}

/// Appends the steps of a normalizer; false if it has others.
fn add(normalizer: &Normalizer, steps: &mut Vec<Step>) -> bool {
    match normalizer {
        Normalizer::BertNormalizer(bert) => {
            let strips_accents = bert.strip_accents.unwrap_or(bert.lowercase);
            let all = [
                (bert.clean_text, Step::Clean),
                (bert.handle_chinese_chars, Step::SeparateChinese),
                (strips_accents, Step::DecomposeCanonically),
                (strips_accents, Step::RemoveNonspacingMarks),
                (bert.lowercase, Step::Lowercase),
            ];
            steps.extend(all.iter().filter(|(wanted, _)| *wanted).map(|&(_, step)| step));
        }
        Normalizer::Nfd {} => steps.push(Step::DecomposeCanonically),
        Normalizer::Nfkd {} => steps.push(Step::DecomposeCompatibly),
        Normalizer::StripAccents {} => steps.push(Step::RemoveMarks),
        Normalizer::Lowercase {} => steps.push(Step::Lowercase),
        Normalizer::Nmt {} => steps.push(Step::Nmt),
        Normalizer::Sequence { normalizers } => return normalizers.iter().all(|one| add(one, steps)),
        _ => return false,
    }
    true
}

impl Step {
    fn puts_in_order(self) -> bool {
        matches!(self, Self::DecomposeCanonically | Self::DecomposeCompatibly)
    }

    fn apply(self, character: char, text: &mut Vec<char>) {
        match self {
            Self::Clean => text.extend(bert::cleaned(character)),
            Self::SeparateChinese if bert::is_chinese(character) => text.extend([' ', character, ' ']),
            Self::RemoveNonspacingMarks if character.is_mark_nonspacing() => {}
            Self::RemoveMarks if is_combining_mark(character) => {}
            Self::SeparateChinese | Self::RemoveNonspacingMarks | Self::RemoveMarks => text.push(character),
            Self::DecomposeCanonically => decompose_canonical(character, |part| text.push(part)),
            Self::DecomposeCompatibly => decompose_compatible(character, |part| text.push(part)),
            Self::Lowercase => text.extend(character.to_lowercase()),
            Self::Nmt => text.extend(unicode::unified(character)),
        }
    }
}

/// Whether nothing is left of a mark after `steps`.
fn is_doomed(mark: char, steps: &[Step]) -> bool {
    let mut text = vec![mark];
    for step in steps {
        let mut changed = Vec::new();
        for &character in &text {
            step.apply(character, &mut changed);
        }
        text = changed;
    }
    text.is_empty()
}

/// Sorts each run of marks by their classes, those of one class as they are.
fn put_in_order(text: &mut [char]) {
    for run in text.chunk_by_mut(|&left, &right| {
        canonical_combining_class(left) != 0 && canonical_combining_class(right) != 0
    }) {
        run.sort_by_key(|&mark| canonical_combining_class(mark));
    }
}
