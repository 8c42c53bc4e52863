//! `[...]`: sets in sets, intersections, POSIX names.

use regex_syntax::hir::ClassUnicode;

use super::super::tree::Node;
use super::super::{fold, set, unsupported};
use super::escape::scalar;
use super::property::{self, Kind};
use super::{DEEPEST, Options, Parser};
use crate::{Error, Result};

/// What stands in a class.
enum Token {
    Character(u32),
    Set(ClassUnicode),
    Dash,
    Open,
    And,
    Close,
}

/// What was read before.
#[derive(Clone, Copy)]
enum State {
    /// Nothing, or `&&`.
    Start,
    /// A character, which may begin a range.
    Character(u32),
    /// A set, which may not.
    Set,
    /// A character and a dash.
    Range(u32),
    /// A range or a class in the class.
    Complete,
}

/// One class while it is read.
struct Class {
    state: State,
    members: ClassUnicode,
    /// What stood before `&&`.
    intersected: Option<ClassUnicode>,
}

/// The node of a class: in any case, one that is not negated can match several characters.
pub(super) fn node(mut members: ClassUnicode, negated: bool, options: Options) -> Node {
    match (options.any_case, negated) {
        (true, false) => fold::expanded(members),
        (true, true) => {
            fold::close(&mut members);
            Node::Set(set::negated(members))
        }
        (false, true) => Node::Set(set::negated(members)),
        (false, false) => Node::Set(members),
    }
}

impl Parser {
    /// What follows `[`: the members, and whether they are those that do not match.
    pub(super) fn class(&mut self, options: Options) -> Result<(ClassUnicode, bool)> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(unsupported(format!("nesting deeper than {DEEPEST}")));
        }
        let negated = self.eat('^');
        let mut class = Class { state: State::Start, members: ClassUnicode::empty(), intersected: None };
        let mut token = self.first_token(options)?;
        loop {
            token = match token {
                Token::Close => break,
                Token::Dash => {
                    let next = self.token(options)?;
                    class.dash(&next)?;
                    next
                }
                Token::Open => {
                    class.before_class()?;
                    let (mut inner, negated) = self.class(options)?;
                    if negated {
                        inner.negate();
                    }
                    class.members.union(&inner);
                    self.token(options)?
                }
                other => {
                    class.take(other)?;
                    self.token(options)?
                }
            };
        }
        self.depth -= 1;
        Ok((class.finished()?, negated))
    }

    /// A bracket that closes at once is a member, if another follows anywhere.
    fn first_token(&mut self, options: Options) -> Result<Token> {
        if self.eat(']') {
            return if self.characters[self.place..].contains(&']') {
                Ok(Token::Character(']' as u32))
            } else {
                Err(Error::new("a class is empty").advise("write \\] for the bracket itself"))
            };
        }
        self.token(options)
    }

    fn token(&mut self, options: Options) -> Result<Token> {
        let Some(character) = self.next() else { return Err(Error::new("a class has no end")) };
        Ok(match character {
            ']' => Token::Close,
            '-' => Token::Dash,
            '&' if self.eat('&') => Token::And,
            '[' => match self.posix_name() {
                Some((name, negated)) => {
                    let set = property::posix(&name, options)?;
                    Token::Set(if negated { set::negated(set) } else { set })
                }
                None => Token::Open,
            },
            '\\' => self.escaped_token(options)?,
            other => Token::Character(other as u32),
        })
    }

    fn escaped_token(&mut self, options: Options) -> Result<Token> {
        match self.escaped_set(options, property::of_kind(Kind::Word, options))? {
            Some(set) => Ok(Token::Set(set)),
            None => Ok(Token::Character(self.escaped_code(true)?)),
        }
    }

    /// The name in `[:name:]`, if that is what follows the bracket.
    fn posix_name(&mut self) -> Option<(String, bool)> {
        let rest = self.characters[self.place..].strip_prefix(&[':'])?;
        let (negated, rest) = match rest.strip_prefix(&['^']) {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let name: String = rest.iter().take_while(|character| character.is_alphabetic()).collect();
        let length = name.chars().count();
        if length + usize::from(negated) == 0 || !rest[length..].starts_with(&[':', ']']) {
            return None;
        }
        self.place += 1 + usize::from(negated) + length + 2;
        Some((name, negated))
    }
}

impl Class {
    fn take(&mut self, token: Token) -> Result<()> {
        match token {
            Token::Character(code) => self.character(code),
            Token::Set(set) => {
                if let State::Range(_) = self.state {
                    return Err(Error::new("a range ends in a set"));
                }
                self.flush()?;
                self.members.union(&set);
                self.state = State::Set;
                Ok(())
            }
            Token::And => {
                self.flush()?;
                let members = std::mem::replace(&mut self.members, ClassUnicode::empty());
                self.intersect(members);
                self.state = State::Start;
                Ok(())
            }
            Token::Dash | Token::Open | Token::Close => Ok(()),
        }
    }

    fn character(&mut self, code: u32) -> Result<()> {
        self.state = if let State::Range(first) = self.state {
            self.range(first, code)?;
            State::Complete
        } else {
            self.flush()?;
            State::Character(code)
        };
        Ok(())
    }

    /// A dash is a member unless it stands between two characters.
    fn dash(&mut self, next: &Token) -> Result<()> {
        match (self.state, next) {
            (State::Character(first), Token::Character(_) | Token::Dash) => {
                self.state = State::Range(first);
                Ok(())
            }
            (State::Character(_), Token::Set(_)) => Err(Error::new("a range ends in a set")),
            (State::Character(_), Token::Open) => Err(unsupported("a range that ends in a class")),
            (State::Set, Token::Character(_) | Token::Set(_) | Token::Dash | Token::Open) => {
                Err(Error::new("a range begins with a set").advise("write \\- for the dash itself"))
            }
            _ => self.character('-' as u32),
        }
    }

    fn before_class(&mut self) -> Result<()> {
        self.flush()?;
        self.state = State::Complete;
        Ok(())
    }

    /// Takes the character in that might have begun a range.
    fn flush(&mut self) -> Result<()> {
        if let State::Character(code) = self.state {
            let character = scalar(code)?;
            self.members.union(&set::of(character, character));
        }
        Ok(())
    }

    fn range(&mut self, first: u32, last: u32) -> Result<()> {
        if first > last {
            return Err(Error::new(format!("the range from U+{first:04X} to U+{last:04X} is empty")));
        }
        // A range may end beyond Unicode, or among the surrogates, which no text has.
        let start = scalar(first)?;
        let last = last.min(char::MAX as u32);
        let end = char::from_u32(last).unwrap_or('\u{d7ff}');
        self.members.union(&set::of(start, end));
        Ok(())
    }

    fn intersect(&mut self, mut members: ClassUnicode) {
        if let Some(before) = &self.intersected {
            members.intersect(before);
        }
        self.intersected = Some(members);
    }

    fn finished(mut self) -> Result<ClassUnicode> {
        self.flush()?;
        if self.intersected.is_some() {
            let members = std::mem::replace(&mut self.members, ClassUnicode::empty());
            self.intersect(members);
        }
        Ok(self.intersected.unwrap_or(self.members))
    }
}
