//! Tokens on their way through a decoder.

/// Some tokens, their texts one after the other. What stands after the last end belongs to a token that goes on in
/// the next portion: a decoder that makes all tokens one gives it piece by piece.
#[derive(Debug, Default)]
pub(super) struct Portion {
    text: String,
    ends: Vec<usize>,
}

impl Portion {
    /// Adds a token, or the rest of one.
    pub(super) fn push(&mut self, token: &str) {
        self.text.push_str(token);
        self.end();
    }

    /// Adds to a token that goes on.
    pub(super) fn extend(&mut self, piece: &str) {
        self.text.push_str(piece);
    }

    /// Adds a character to a token that goes on.
    pub(super) fn extend_char(&mut self, character: char) {
        self.text.push(character);
    }

    /// Ends the token.
    pub(super) fn end(&mut self) {
        self.ends.push(self.text.len());
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// All text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text as a buffer to add to the token that goes on.
    pub(super) fn buffer(&mut self) -> &mut String {
        &mut self.text
    }

    /// The pieces in order, and for each whether its token ends there.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (&str, bool)> {
        let mut start = 0;
        let ended = self.ends.iter().map(move |&end| {
            let piece = self.text.get(start..end).unwrap_or_default();
            start = end;
            (piece, true)
        });
        let rest = self.text.get(self.ends.last().copied().unwrap_or(0)..).unwrap_or_default();
        ended.chain((!rest.is_empty()).then_some((rest, false)))
    }
}

/// Gathers the pieces of a token for steps that need it whole.
#[derive(Debug, Default)]
pub(super) struct WholeTokens {
    begun: String,
}

impl WholeTokens {
    /// Calls `take` with each token that `portion` ends.
    pub(super) fn each(&mut self, portion: &Portion, mut take: impl FnMut(&str)) {
        for (piece, ends) in portion.pieces() {
            if ends && self.begun.is_empty() {
                take(piece);
            } else {
                self.begun.push_str(piece);
                if ends {
                    take(&self.begun);
                    self.begun.clear();
                }
            }
        }
    }
}
