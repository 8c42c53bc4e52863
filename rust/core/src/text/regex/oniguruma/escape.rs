//! What follows a backslash.

use regex_syntax::hir::ClassUnicode;

use super::super::tree::{Anchor, Node};
use super::super::{set, unsupported};
use super::property::{self, Kind};
use super::{Atom, Options, Parser, group};
use crate::{Error, Result};

impl Parser {
    /// A backslash and what follows it, outside a class.
    pub(super) fn escape(&mut self, options: Options) -> Result<Atom> {
        let Some(letter) = self.peek() else { return Err(Error::new("the pattern ends in a backslash")) };
        if let Some(set) = self.escaped_set(options, property::word(options))? {
            return Ok(Atom::Plain(Node::Set(set)));
        }
        let simple = match letter {
            'b' => Atom::Plain(self.boundary(options, false)),
            'B' => Atom::Plain(self.boundary(options, true)),
            'A' => Atom::Plain(Node::Anchor(Anchor::TextStart)),
            'z' | 'Z' => {
                self.ends += 1;
                Atom::Plain(if letter == 'z' { Node::Anchor(Anchor::TextEnd) } else { before_last_newline() })
            }
            'G' => Atom::Plain(Node::Anchor(Anchor::SearchStart)),
            'K' => {
                self.keeps += 1;
                Atom::Plain(Node::Keep)
            }
            'R' => {
                self.ends += 1;
                Atom::Plain(Node::line_break())
            }
            'N' => Atom::Plain(Node::Set(set::negated(set::of('\n', '\n')))),
            'O' => Atom::Plain(Node::Set(set::everything())),
            'X' | 'y' | 'Y' => return Err(unsupported(format!("\\{letter}, a grapheme or its edge,"))),
            'g' if matches!(self.peek_at(1), Some('<' | '\'')) => {
                return Err(unsupported("\\g, the call of a group,"));
            }
            'k' if matches!(self.peek_at(1), Some('<' | '\'')) => {
                self.place += 1;
                return self.named_reference(options);
            }
            '1'..='9' => return self.numbered_reference(options),
            _ => return self.escaped_literal(options),
        };
        self.place += 1;
        Ok(simple)
    }

    fn escaped_literal(&mut self, options: Options) -> Result<Atom> {
        let code = self.escaped_code(false)?;
        Atom::letter(scalar(code)?, options)
    }

    fn boundary(&mut self, options: Options, negated: bool) -> Node {
        self.boundaries += 1;
        Node::word_boundary(&property::word(options), negated)
    }

    /// `\w`, `\d`, `\s`, `\h`, `\p{...}` and their opposites. Inside a class and outside, the characters of words
    /// are not the same.
    pub(super) fn escaped_set(
        &mut self,
        options: Options,
        word: ClassUnicode,
    ) -> Result<Option<ClassUnicode>> {
        let letter = self.peek().unwrap_or_default();
        let set = match letter.to_ascii_lowercase() {
            'w' => word,
            'd' => property::of_kind(Kind::Digit, options),
            's' => property::of_kind(Kind::Space, options),
            'h' => property::of_kind(Kind::HexDigit, options),
            'p' if self.peek_at(1) == Some('{') => return self.escaped_property(options, word).map(Some),
            _ => return Ok(None),
        };
        self.place += 1;
        Ok(Some(if letter.is_ascii_uppercase() { set::negated(set) } else { set }))
    }

    fn escaped_property(&mut self, options: Options, word: ClassUnicode) -> Result<ClassUnicode> {
        let negated = self.next() == Some('P');
        self.place += 1;
        let negated = self.eat('^') != negated;
        let mut name = String::new();
        loop {
            match self.next() {
                Some('}') => break,
                None | Some('(' | ')' | '{' | '|') => {
                    return Err(Error::new(format!("the name of the property {name:?} has no end")));
                }
                Some(character) => name.push(character),
            }
        }
        let set = if property::is_word(&name) { word } else { property::named(&name, options)? };
        Ok(if negated { set::negated(set) } else { set })
    }

    /// The code point that an escape stands for; a letter that means nothing stands for itself.
    pub(super) fn escaped_code(&mut self, in_class: bool) -> Result<u32> {
        let Some(letter) = self.next() else { return Err(Error::new("the pattern ends in a backslash")) };
        Ok(match letter {
            'n' => 0x0a,
            't' => 0x09,
            'r' => 0x0d,
            'f' => 0x0c,
            'v' => 0x0b,
            'a' => 0x07,
            'e' => 0x1b,
            'b' if in_class => 0x08,
            'x' | 'o' if self.peek() == Some('{') => self.braced_code(if letter == 'x' { 16 } else { 8 })?,
            // At the end of the pattern they are letters.
            'x' | 'u' if self.peek().is_none() => letter as u32,
            'x' => {
                let byte = self.digits(16, 0, 2)?;
                self.bytes(byte, in_class)?
            }
            'u' => self.digits(16, 4, 4)?,
            '0'..='7' => {
                self.place -= 1;
                let byte = self.octal(letter, in_class)?;
                self.bytes(byte, in_class)?
            }
            'c' => self.control()?,
            'C' if self.eat('-') => self.control()?,
            'C' => return Err(Error::new("\\C is not followed by -")),
            'M' => return Err(unsupported("\\M-")),
            other => other as u32,
        })
    }

    /// Outside a class the leading zero takes two digits with it, any other three.
    fn octal(&mut self, letter: char, in_class: bool) -> Result<u32> {
        if !in_class && letter == '0' {
            self.place += 1;
            return self.digits(8, 0, 2);
        }
        let code = self.digits(8, 0, 3)?;
        if code < 256 { Ok(code) } else { Err(Error::new(format!("\\{code:o} is more than a byte"))) }
    }

    fn control(&mut self) -> Result<u32> {
        match self.next() {
            Some('?') => Ok(0x7f),
            Some('\\') => Err(unsupported("\\c\\")),
            Some(character) => Ok(character as u32 & 0x9f),
            None => Err(Error::new("the pattern ends in a control character")),
        }
    }

    fn braced_code(&mut self, base: u32) -> Result<u32> {
        self.place += 1;
        let most = if base == 16 { 8 } else { 11 };
        let code = self.digits(base, 1, most)?;
        if self.eat('}') {
            return Ok(code);
        }
        Err(unsupported("anything but one number in \\x{} or \\o{}"))
    }

    fn digits(&mut self, base: u32, least: usize, most: usize) -> Result<u32> {
        let mut code = 0u32;
        for count in 0..most {
            let Some(digit) = self.peek().and_then(|character| character.to_digit(base)) else {
                if count < least {
                    return Err(Error::new("the number of a character has too few digits"));
                }
                break;
            };
            code = code
                .checked_mul(base)
                .and_then(|code| code.checked_add(digit))
                .ok_or_else(|| Error::new("the number of a character is too large"))?;
            self.place += 1;
        }
        Ok(code)
    }

    /// A character of which `first` is the first byte; the others follow as escapes of their own.
    fn bytes(&mut self, first: u32, in_class: bool) -> Result<u32> {
        if first < 0x80 {
            return Ok(first);
        }
        let mut bytes = vec![first as u8];
        for _ in 1..(first as u8).leading_ones() {
            match (self.next(), self.peek()) {
                (Some('\\'), Some('x')) if self.peek_at(1) != Some('{') => {
                    self.place += 1;
                    bytes.push(self.digits(16, 0, 2)? as u8);
                }
                (Some('\\'), Some(digit @ '0'..='7')) => bytes.push(self.octal(digit, in_class)? as u8),
                _ => break,
            }
        }
        match std::str::from_utf8(&bytes).map(|text| text.chars().next()) {
            Ok(Some(character)) => Ok(character as u32),
            _ => Err(Error::new(format!("the bytes {bytes:02x?} are not a character"))
                .advise("write \\x{...} with the number of the character")),
        }
    }

    fn numbered_reference(&mut self, options: Options) -> Result<Atom> {
        let start = self.place;
        let number = self.digits(10, 1, 9).ok().map(|number| number as usize);
        match number {
            Some(number) if number <= 9 || number <= self.groups.len() => self.reference(number, options),
            _ => {
                self.place = start;
                // It is octal, or where it cannot be, the digit.
                match self.escaped_code(false)? {
                    code if code < 0x80 => Atom::letter(scalar(code)?, options),
                    _ => Err(group::unknown(number.unwrap_or(0))),
                }
            }
        }
    }
}

/// At the end of the text, or before a line feed that ends it.
fn before_last_newline() -> Node {
    let newline = Node::Sequence(vec![Node::character('\n'), Node::Anchor(Anchor::TextEnd)]);
    Node::Choice(vec![Node::Anchor(Anchor::TextEnd), newline.look(false, false)])
}

pub(super) fn scalar(code: u32) -> Result<char> {
    char::from_u32(code).ok_or_else(|| Error::new(format!("U+{code:04X} is no character")))
}
