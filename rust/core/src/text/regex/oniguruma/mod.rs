//! Oniguruma's own syntax, version 6.9.10: what `tokenizers` compiles with no options.
//!
//! `doc/RE` of its sources says most of it, `regparse.c` the rest: `{n}?` is optional rather than lazy, `{n,m}+`
//! repeats rather than is possessive, `^` does not match after a line feed that ends the text.

mod class;
mod escape;
mod group;
mod property;

use regex_syntax::hir::ClassUnicode;

use super::tree::{Anchor, Node};
use super::{fold, set, unsupported};
use crate::{Error, Result};

/// Oniguruma's own limit on repetition.
const MOST_REPEATS: u32 = 100_000;
/// Deeper than anybody writes, and shallow enough for the stack.
const DEEPEST: usize = 200;

/// Reads a whole pattern.
pub(super) fn parse(pattern: &str) -> Result<Node> {
    let characters: Vec<char> = pattern.chars().collect();
    let names = group::has_names(&characters);
    let mut parser = Parser { characters, names, ..Parser::default() };
    let tree = parser.alternatives(Options::default())?;
    if parser.place < parser.characters.len() {
        return Err(Error::new("a closing parenthesis has no opening one"));
    }
    let tree = group::without_unused(tree)?;
    refuse_skipped_starts(&tree, &mut false)?;
    Ok(tree)
}

/// What `(?i)`, `(?m)`, `(?x)`, `(?W)`, ... switch.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct Options {
    any_case: bool,
    dot_takes_newline: bool,
    extended: bool,
    ascii_word: bool,
    ascii_digit: bool,
    ascii_space: bool,
    ascii_posix: bool,
}

#[derive(Default)]
struct Parser {
    characters: Vec<char>,
    place: usize,
    depth: usize,
    /// All groups so far that capture: their names, and whether they are closed.
    groups: Vec<group::Group>,
    /// Whether any group has a name: then those without one do not capture.
    names: bool,
    /// The letters just read that count in any case.
    letters: Vec<char>,
    /// How many look-arounds, `\K`, ends of the text, word boundaries and quantifiers were
    /// read.
    looks: usize,
    keeps: usize,
    ends: usize,
    boundaries: usize,
    quantifiers: usize,
}

/// What an atom was, for what follows it.
enum Atom {
    Letter(char, Node),
    Plain(Node),
    /// A group that captures nothing: its letters are neighbours of those around it.
    Open(Node),
}

impl Atom {
    fn letter(character: char, options: Options) -> Result<Self> {
        if !options.any_case {
            return Ok(Self::Plain(Node::character(character)));
        }
        if let Some(string) = fold::expansion(character) {
            return Err(unsupported(format!("{character:?} in any case, which is also {string:?},")));
        }
        Ok(Self::Letter(character, Node::Set(fold::of(character))))
    }
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.place + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.place += 1;
        Some(character)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let is_here = self.peek() == Some(wanted);
        self.place += usize::from(is_here);
        is_here
    }

    fn eat_all(&mut self, wanted: &str) -> bool {
        let is_here = wanted.chars().enumerate().all(|(ahead, wanted)| self.peek_at(ahead) == Some(wanted));
        self.place += if is_here { wanted.chars().count() } else { 0 };
        is_here
    }

    /// Up to the end of the group or of the pattern.
    fn alternatives(&mut self, options: Options) -> Result<Node> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(unsupported(format!("nesting deeper than {DEEPEST}")));
        }
        let mut branches = vec![self.sequence(options)?];
        while self.eat('|') {
            self.letters.clear();
            branches.push(self.sequence(options)?);
        }
        self.depth -= 1;
        Ok(Node::choice(branches))
    }

    fn sequence(&mut self, options: Options) -> Result<Node> {
        let mut nodes = Vec::new();
        loop {
            self.skip_comments(options)?;
            match self.peek() {
                None | Some('|' | ')') => break,
                Some('(') => {
                    if let Some(options) = self.isolated_options(options)? {
                        // They hold for all that follows in the group, its other branches included.
                        nodes.push(self.alternatives(options)?);
                        break;
                    }
                }
                Some(_) => {}
            }
            let atom = self.atom(options)?;
            nodes.push(self.repeated(atom, options)?);
        }
        Ok(Node::sequence(nodes))
    }

    fn skip_comments(&mut self, options: Options) -> Result<()> {
        loop {
            if self.eat_all("(?#") {
                loop {
                    match self.next() {
                        Some('\\') => drop(self.next()),
                        Some(')') => break,
                        Some(_) => {}
                        None => return Err(Error::new("a comment has no end")),
                    }
                }
            } else if options.extended && matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r' | '\u{c}')) {
                self.place += 1;
            } else if options.extended && self.eat('#') {
                while self.next().is_some_and(|character| character != '\n') {}
            } else {
                return Ok(());
            }
        }
    }

    fn atom(&mut self, options: Options) -> Result<Atom> {
        let Some(character) = self.next() else { return Ok(Atom::Plain(Node::Nothing)) };
        Ok(match character {
            '(' => return self.group(options),
            '[' => {
                let (set, negated) = self.class(options)?;
                Atom::Plain(class::node(set, negated, options))
            }
            '\\' => return self.escape(options),
            '.' if options.dot_takes_newline => Atom::Plain(Node::Set(set::everything())),
            '.' => Atom::Plain(Node::Set(set::negated(set::of('\n', '\n')))),
            '^' => Atom::Plain(line_start()),
            '$' => Atom::Plain(Node::line_end()),
            '*' | '+' | '?' => return Err(nothing_to_repeat()),
            '{' => {
                self.place -= 1;
                if self.interval()?.is_some() {
                    return Err(nothing_to_repeat());
                }
                self.place += 1;
                Atom::letter('{', options)?
            }
            other => Atom::letter(other, options)?,
        })
    }

    /// An atom with the quantifiers that follow it.
    fn repeated(&mut self, atom: Atom, options: Options) -> Result<Node> {
        self.skip_comments(options)?;
        let start = self.place;
        let Some(mut quantifier) = self.quantifier()? else { return self.unrepeated(atom) };
        let (Atom::Letter(_, mut node) | Atom::Plain(mut node) | Atom::Open(mut node)) = atom;
        if node.is_place() {
            return Err(Error::new("a place cannot be repeated").advise("take the quantifier away"));
        }
        self.letters.clear();
        self.quantifiers += 1;
        loop {
            if self.place - start > DEEPEST {
                return Err(unsupported("a heap of quantifiers"));
            }
            node = node.repeat(quantifier.minimum, quantifier.maximum, quantifier.greedy);
            if quantifier.possessive {
                node = Node::Atomic(Box::new(node));
            }
            self.skip_comments(options)?;
            match self.quantifier()? {
                Some(another) => quantifier = another,
                None => return Ok(node),
            }
        }
    }

    fn unrepeated(&mut self, atom: Atom) -> Result<Node> {
        match atom {
            Atom::Letter(letter, node) => {
                self.letters.push(letter);
                fold::refuse_contraction(&self.letters)?;
                Ok(node)
            }
            Atom::Open(node) => Ok(node),
            Atom::Plain(node) => {
                self.letters.clear();
                Ok(node)
            }
        }
    }

    fn quantifier(&mut self) -> Result<Option<Quantifier>> {
        let (minimum, maximum) = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.interval(),
            _ => return Ok(None),
        };
        self.place += 1;
        let greedy = !self.eat('?');
        let possessive = greedy && self.eat('+');
        Ok(Some(Quantifier { minimum, maximum, greedy, possessive }))
    }

    /// `{n}`, `{n,}`, `{,m}`, `{n,m}`; anything else in braces is text.
    fn interval(&mut self) -> Result<Option<Quantifier>> {
        let start = self.place;
        self.place += 1;
        let low = self.number()?;
        let (high, fixed) = if self.eat(',') { (self.number()?, false) } else { (low, true) };
        if !self.eat('}') || (low.is_none() && high.is_none()) {
            self.place = start;
            return Ok(None);
        }
        let (low, swapped) = (low.unwrap_or(0), high.is_some_and(|high| low.unwrap_or(0) > high));
        if swapped {
            // Turned round, the bounds are possessive.
            return Ok(Some(Quantifier {
                minimum: high.unwrap_or(0),
                maximum: Some(low),
                greedy: true,
                possessive: true,
            }));
        }
        let greedy = fixed || !self.eat('?');
        Ok(Some(Quantifier { minimum: low, maximum: high, greedy, possessive: false }))
    }

    fn number(&mut self) -> Result<Option<u32>> {
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|character| character.to_digit(10)) {
            let value = number.unwrap_or(0) * 10 + digit;
            if value > MOST_REPEATS {
                return Err(Error::new("a repetition counts beyond 100,000"));
            }
            number = Some(value);
            self.place += 1;
        }
        Ok(number)
    }
}

struct Quantifier {
    minimum: u32,
    maximum: Option<u32>,
    greedy: bool,
    possessive: bool,
}

/// Oniguruma tries a pattern that begins with `.*` at the start of a line alone, even where a condition before the
/// `.*` holds only later in the line: `\b.+a` finds nothing in `  xa`. Whether it does depends on what else it knows of
/// the pattern, so such a beginning is refused. It says whether the node takes no text.
fn refuse_skipped_starts(node: &Node, after_condition: &mut bool) -> Result<bool> {
    match node {
        // A look-behind, and the start of a line, it takes into account.
        Node::Nothing | Node::Anchor(_) | Node::Keep | Node::Look { behind: true, negative: false, .. } => {
            Ok(true)
        }
        _ if *node == line_start() => Ok(true),
        _ if node.is_place() => {
            *after_condition = true;
            Ok(true)
        }
        Node::Repeat { node, maximum: None, greedy: true, .. } => match &**node {
            Node::Set(members) if *after_condition && takes_a_line(members) => {
                Err(unsupported("a beginning with .* or .+ after a condition"))
            }
            inner => refuse_skipped_starts(inner, &mut after_condition.clone()),
        },
        Node::Sequence(nodes) => {
            for node in nodes {
                if !refuse_skipped_starts(node, after_condition)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Node::Choice(nodes) => {
            let mut takes_nothing = true;
            let before = *after_condition;
            for node in nodes {
                let mut after = before;
                takes_nothing &= refuse_skipped_starts(node, &mut after)?;
                *after_condition |= after;
            }
            Ok(takes_nothing)
        }
        Node::Repeat { node, .. } | Node::Atomic(node) | Node::Group(_, node) => {
            refuse_skipped_starts(node, after_condition)
        }
        Node::Look { .. } | Node::Set(_) | Node::Reference(_) => Ok(false),
    }
}

fn takes_a_line(members: &ClassUnicode) -> bool {
    set::negated(members.clone()).ranges().iter().all(|range| (range.start(), range.end()) == ('\n', '\n'))
}

fn nothing_to_repeat() -> Error {
    Error::new("a quantifier has nothing to repeat").advise("write a backslash before it, if it is text")
}

/// The start of the text, or after a line feed that does not end it.
fn line_start() -> Node {
    let after_line = Node::Sequence(vec![Node::behind(set::of('\n', '\n')), Node::ahead(set::everything())]);
    Node::Choice(vec![Node::Anchor(Anchor::TextStart), after_line])
}
