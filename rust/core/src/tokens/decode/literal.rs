//! A string in each token is replaced, also where the token comes in pieces.

use super::pipeline::Step;
use super::portion::Portion;
use crate::Result;

/// Knuth, Morris and Pratt's search (1977): what may be the beginning of the string is held back as a number.
#[derive(Debug)]
pub(super) struct Literal {
    text: String,
    content: String,
    characters: Vec<char>,
    /// For each number of characters matched, how many the longest shorter match has that ends at the same place.
    borders: Vec<usize>,
    matched: usize,
}

impl Literal {
    /// `text` is not empty.
    pub(super) fn new(text: &str, content: String) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut borders = vec![0, 0];
        let mut border = 0;
        for (place, &character) in characters.iter().enumerate().skip(1) {
            while border > 0 && characters.get(border) != Some(&character) {
                border = borders.get(border).copied().unwrap_or(0);
            }
            border += usize::from(characters.get(border) == Some(&character));
            debug_assert_eq!(borders.len(), place + 1);
            borders.push(border);
        }
        Self { text: text.to_owned(), content, characters, borders, matched: 0 }
    }

    fn take(&mut self, character: char, output: &mut Portion) {
        while self.matched > 0 && self.characters.get(self.matched) != Some(&character) {
            let border = self.borders.get(self.matched).copied().unwrap_or(0);
            self.release(self.matched - border, output);
            self.matched = border;
        }
        if self.characters.get(self.matched) != Some(&character) {
            output.extend_char(character);
            return;
        }
        self.matched += 1;
        if self.matched == self.characters.len() {
            output.extend(&self.content);
            self.matched = 0;
        }
    }

    fn release(&self, count: usize, output: &mut Portion) {
        self.characters.iter().take(count).for_each(|&character| output.extend_char(character));
    }
}

impl Step for Literal {
    fn feed(&mut self, input: &Portion, output: &mut Portion) -> Result<()> {
        for (piece, ends) in input.pieces() {
            if ends && self.matched == 0 {
                let mut parts = piece.split(self.text.as_str());
                output.extend(parts.next().unwrap_or_default());
                for part in parts {
                    output.extend(&self.content);
                    output.extend(part);
                }
            } else {
                piece.chars().for_each(|character| self.take(character, output));
            }
            if ends {
                self.release(self.matched, output);
                self.matched = 0;
                output.end();
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Portion) -> Result<()> {
        Ok(())
    }
}
