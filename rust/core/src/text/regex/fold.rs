//! Case: which characters, and which strings, count as the same.
//!
//! Both dialects use Unicode's simple folding for single characters. Oniguruma also knows that `ß` is `ss`.

use std::sync::LazyLock;

use regex_syntax::hir::ClassUnicode;

use super::set;
use super::tree::Node;
use crate::Result;

/// Adds to `set` all that differ from its members in case alone.
pub(super) fn close(set: &mut ClassUnicode) {
    // It fails only where the tables were left out of the build.
    let _ = set.try_case_fold_simple();
}

/// What differs from `character` in case alone, and itself.
pub(super) fn of(character: char) -> ClassUnicode {
    let mut set = set::of(character, character);
    close(&mut set);
    set
}

/// The characters that are several others in another case (`ß`, `ﬁ`), with those, shortest first.
static EXPANSIONS: LazyLock<Vec<(char, Vec<char>)>> = LazyLock::new(|| {
    let folded = |character: char| -> Vec<char> {
        let lower = character.to_lowercase();
        lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
    };
    // The first and the last of them in CaseFolding.txt.
    let all = ('ß'..='\u{fb17}').map(|character| (character, folded(character)));
    let mut expansions: Vec<_> = all.filter(|(_, folded)| folded.len() > 1).collect();
    expansions.sort_by_key(|(_, folded)| folded.len());
    expansions
});

/// The set with all cases of its members, and the strings that some of them are in another case.
pub(super) fn expanded(mut set: ClassUnicode) -> Node {
    close(&mut set);
    let mut ways = Vec::new();
    for (character, string) in EXPANSIONS.iter() {
        if set::contains(&set, *character) {
            let way = Node::sequence(string.iter().map(|&letter| Node::Set(of(letter))).collect());
            if !ways.contains(&way) {
                ways.push(way);
            }
        }
    }
    ways.insert(0, Node::Set(set));
    Node::choice(ways)
}

/// What `character` is in another case, if that is more than one.
pub(super) fn expansion(character: char) -> Option<String> {
    let found = EXPANSIONS.iter().find(|(known, _)| *known == character)?;
    Some(found.1.iter().collect())
}

/// Refuses `letters` where they end in several that are one in another case: Oniguruma matches `ß` with `(?i)ss`, and
/// which neighbours it takes together depends on how it has cut the pattern up.
pub(super) fn refuse_contraction(letters: &[char]) -> Result<()> {
    for (character, string) in EXPANSIONS.iter() {
        let Some(start) = letters.len().checked_sub(string.len()) else { continue };
        if letters[start..].iter().zip(string).all(|(&letter, &folded)| set::contains(&of(letter), folded)) {
            let string: String = string.iter().collect();
            return Err(super::unsupported(format!("{string:?} in any case, which is also {character:?},")));
        }
    }
    Ok(())
}
