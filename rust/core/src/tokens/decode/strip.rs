//! A character at the ends of each token goes.

use super::pipeline::Step;
use super::portion::Portion;
use crate::Result;

/// Where the two ends meet, no character goes twice. (The `tokenizers` library panics there.)
#[derive(Debug)]
pub(super) struct Strip {
    content: char,
    start: usize,
    stop: usize,
    /// How many may still go at the beginning of this token.
    left: usize,
    /// How many were held back, because they go if the token ends here.
    held: usize,
}

impl Strip {
    pub(super) fn new(content: char, start: usize, stop: usize) -> Self {
        Self { content, start, stop, left: start, held: 0 }
    }

    fn take(&mut self, character: char, output: &mut Portion) {
        if character != self.content {
            self.left = 0;
            for _ in 0..std::mem::take(&mut self.held) {
                output.extend_char(self.content);
            }
            output.extend_char(character);
        } else if self.left > 0 {
            self.left -= 1;
        } else if self.held < self.stop {
            self.held += 1;
        } else {
            output.extend_char(character);
        }
    }
}

impl Step for Strip {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        for (piece, ends) in input.pieces() {
            if self.left == 0 && self.stop == 0 {
                output.extend(piece);
            } else {
                piece.chars().for_each(|character| self.take(character, output));
            }
            if ends {
                output.end();
                (self.left, self.held) = (self.start, 0);
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Portion) -> Result<()> {
        Ok(())
    }
}
