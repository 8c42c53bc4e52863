//! A long text in portions that can be encoded apart from each other.

use std::ops::Range;

use super::added::{AddedTokens, Search, Stretch};
use super::pipeline::{Pipeline, SpecialText, Workspace};
use super::route;
use crate::Result;
use crate::text::safe_cut;

/// A portion of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Portion {
    /// An added token.
    Token(u32),
    /// Bytes of the text.
    Text(Range<usize>),
}

impl Pipeline {
    /// The portions of a text, of about `size` bytes where it can be cut; None where the text has to stay whole.
    ///
    /// Added tokens are found first, so none is cut.
    pub(super) fn portions(
        &self,
        added: &AddedTokens,
        text: &str,
        policy: SpecialText,
        size: usize,
    ) -> Result<Option<Vec<Portion>>> {
        let is_left = || self.normalizer.as_ref().is_none_or(|normalizer| normalizer.leaves(text));
        if !self.route.as_ref().is_some_and(route::Route::can_cut) || !is_left() {
            return Ok(None);
        }
        let mut portions = Vec::new();
        added.stretches(Search::Raw, text, policy.parses(), &mut |stretch| match stretch {
            Stretch::Token(token, _) => {
                portions.push(Portion::Token(token.id));
                policy.check(token)
            }
            Stretch::Text(outer) => {
                let inside = &text[outer.clone()];
                added.stretches(Search::Normalized, inside, policy.parses(), &mut |stretch| match stretch {
                    Stretch::Token(token, _) => {
                        portions.push(Portion::Token(token.id));
                        policy.check(token)
                    }
                    Stretch::Text(inner) => {
                        cut(&inside[inner.clone()], outer.start + inner.start, size, &mut portions);
                        Ok(())
                    }
                })
            }
        })?;
        Ok(Some(portions))
    }

    /// Appends the ids of a portion of `text`.
    pub(super) fn encode_portion(
        &self,
        text: &str,
        portion: &Portion,
        workspace: &mut Workspace,
        ids: &mut Vec<u32>,
    ) -> Result<()> {
        match (portion, &self.route) {
            (Portion::Token(id), _) => ids.push(*id),
            (Portion::Text(range), Some(route)) => {
                let stretch = route::Stretch {
                    is_first: range.start == 0,
                    is_normalized: true,
                    text: &text[range.clone()],
                };
                route.encode(self, stretch, workspace, ids)?;
            }
            // There are portions only where there is a route.
            (Portion::Text(_), None) => {}
        }
        Ok(())
    }
}

/// Appends the portions of `text`, which begins at `start`.
fn cut(text: &str, start: usize, size: usize, portions: &mut Vec<Portion>) {
    let mut begin = 0;
    while text.len() - begin > size
        && let Some(end) = safe_cut(text, begin + size)
    {
        portions.push(Portion::Text(start + begin..start + end));
        begin = end;
    }
    portions.push(Portion::Text(start + begin..start + text.len()));
}
