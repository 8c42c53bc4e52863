//! What parentheses enclose, and references to it.

use super::super::tree::Node;
use super::super::unsupported;
use super::{Atom, Options, Parser};
use crate::{Error, Result};

/// Oniguruma's limit on a look-behind, in characters.
const FARTHEST_BEHIND: usize = 65_535;

/// A group that captures.
pub(super) struct Group {
    name: Option<String>,
    is_closed: bool,
    is_behind: bool,
}

/// What was read so far of things that a look-behind may not hold.
#[derive(Clone, Copy)]
struct Counts {
    looks: usize,
    keeps: usize,
    ends: usize,
    boundaries: usize,
    quantifiers: usize,
    groups: usize,
}

impl Parser {
    /// What follows an opening parenthesis, to the closing one.
    pub(super) fn group(&mut self, options: Options) -> Result<Atom> {
        if self.peek() == Some('*') {
            return Err(unsupported("a callout (*...)"));
        }
        if !self.eat('?') {
            return if self.names {
                self.enclosed(options).map(Atom::Open)
            } else {
                self.capture(None, options)
            };
        }
        let Some(kind) = self.peek() else { return Err(unclosed()) };
        match kind {
            ':' => {
                self.place += 1;
                self.enclosed(options).map(Atom::Open)
            }
            '>' => {
                self.place += 1;
                let node = self.apart(options)?;
                Ok(Atom::Plain(Node::Atomic(Box::new(node))))
            }
            '=' | '!' => {
                self.place += 1;
                self.look_ahead(kind == '!', options)
            }
            '<' if matches!(self.peek_at(1), Some('=' | '!')) => {
                self.place += 1;
                let negative = self.next() == Some('!');
                self.look_behind(negative, options)
            }
            '<' | '\'' => {
                let name = self.name()?;
                if name.starts_with(|first: char| first.is_ascii_digit()) {
                    return Err(Error::new(format!("the group name {name:?} begins with a digit")));
                }
                if self.groups.iter().any(|group| group.name.as_ref() == Some(&name)) {
                    return Err(unsupported(format!("a second group of the name {name:?}")));
                }
                self.capture(Some(name), options)
            }
            '~' => Err(unsupported("(?~...), what does not contain something,")),
            '(' => Err(unsupported("a condition (?(...)...)")),
            '{' => Err(unsupported("a callout (?{...})")),
            _ => {
                let options = self.options(options)?;
                if self.next() != Some(':') {
                    return Err(unclosed());
                }
                self.enclosed(options).map(Atom::Open)
            }
        }
    }

    /// `(?i)` and its like, if they stand here.
    pub(super) fn isolated_options(&mut self, options: Options) -> Result<Option<Options>> {
        let start = self.place;
        let is_option = |letter: char| "imxWDSPCILyas-".contains(letter);
        if self.eat_all("(?") && self.peek().is_some_and(is_option) {
            let options = self.options(options)?;
            if self.eat(')') {
                return Ok(Some(options));
            }
        }
        self.place = start;
        Ok(None)
    }

    fn options(&mut self, mut options: Options) -> Result<Options> {
        let mut on = true;
        while let Some(letter) = self.peek() {
            let switch = match letter {
                '-' => {
                    on = false;
                    self.place += 1;
                    continue;
                }
                'i' => &mut options.any_case,
                'm' => &mut options.dot_takes_newline,
                'x' => &mut options.extended,
                'W' => &mut options.ascii_word,
                'D' => &mut options.ascii_digit,
                'S' => &mut options.ascii_space,
                'P' if !matches!(self.peek_at(1), Some('<' | '=' | '>')) => &mut options.ascii_posix,
                ':' | ')' => break,
                _ => return Err(unsupported(format!("the group option {letter:?}"))),
            };
            *switch = on;
            self.place += 1;
        }
        Ok(options)
    }

    fn enclosed(&mut self, options: Options) -> Result<Node> {
        let node = self.alternatives(options)?;
        if self.eat(')') { Ok(node) } else { Err(unclosed()) }
    }

    /// A group whose letters are no neighbours of those outside.
    fn apart(&mut self, options: Options) -> Result<Node> {
        self.letters.clear();
        let node = self.enclosed(options)?;
        self.letters.clear();
        Ok(node)
    }

    fn capture(&mut self, name: Option<String>, options: Options) -> Result<Atom> {
        self.groups.push(Group { name, is_closed: false, is_behind: false });
        let number = self.groups.len();
        let node = self.apart(options)?;
        self.groups[number - 1].is_closed = true;
        Ok(Atom::Plain(Node::Group(number, Box::new(node))))
    }

    fn counts(&self) -> Counts {
        let Self { looks, keeps, ends, boundaries, quantifiers, .. } = *self;
        Counts { looks, keeps, ends, boundaries, quantifiers, groups: self.groups.len() }
    }

    fn look_ahead(&mut self, negative: bool, options: Options) -> Result<Atom> {
        let before = self.counts();
        let node = self.apart(options)?;
        self.looks += 1;
        self.refuse_keep(before)?;
        Ok(Atom::Plain(node.look(false, negative)))
    }

    fn look_behind(&mut self, negative: bool, options: Options) -> Result<Atom> {
        let before = self.counts();
        let node = self.apart(options)?;
        self.refuse_keep(before)?;
        if self.ends > before.ends {
            return Err(unsupported("\\z, \\Z or \\R inside a look-behind"));
        }
        if self.looks > before.looks {
            return Err(unsupported("a look-around inside a look-behind"));
        }
        if negative && self.groups.len() > before.groups {
            return Err(Error::new("a negative look-behind cannot capture").advise("write (?:...)"));
        }
        self.groups[before.groups..].iter_mut().for_each(|group| group.is_behind = true);
        let Some((least, most)) = node.lengths() else {
            return Err(unsupported("a look-behind that depends on what a group matched"));
        };
        if most.unwrap_or(least) > FARTHEST_BEHIND {
            return Err(Error::new("a look-behind looks farther back than 65,535 characters"));
        }
        let is_fixed = most == Some(least) && self.quantifiers == before.quantifiers;
        if !is_fixed && self.boundaries > before.boundaries {
            return Err(unsupported("a word boundary inside a look-behind of no fixed length"));
        }
        self.looks += 1;
        Ok(Atom::Plain(node.look(true, negative)))
    }

    fn refuse_keep(&self, before: Counts) -> Result<()> {
        if self.keeps > before.keeps { Err(unsupported("\\K inside a look-around")) } else { Ok(()) }
    }

    /// A name with its delimiters, of which the closing one is known by the first.
    fn name(&mut self) -> Result<String> {
        let end = if self.next() == Some('<') { '>' } else { '\'' };
        let mut name = String::new();
        loop {
            match self.next() {
                Some(character) if character == end => break,
                Some(character) if character != ')' => name.push(character),
                _ => return Err(Error::new(format!("the group name {name:?} has no end"))),
            }
        }
        if name.is_empty() { Err(Error::new("a group name is empty")) } else { Ok(name) }
    }

    /// `\k<name>`, `\k<1>`, `\k<-1>`.
    pub(super) fn named_reference(&mut self, options: Options) -> Result<Atom> {
        let name = self.name()?;
        if let Some(place) = self.groups.iter().position(|group| group.name.as_ref() == Some(&name)) {
            return self.reference_to(place + 1, options);
        }
        let number = match name.strip_prefix('-') {
            Some(back) => {
                back.parse::<usize>().ok().and_then(|back| (self.groups.len() + 1).checked_sub(back))
            }
            None => name.parse().ok(),
        };
        match number {
            Some(number) => self.reference(number, options),
            None => Err(Error::new(format!("no group before it is called {name:?}"))),
        }
    }

    pub(super) fn reference(&mut self, number: usize, options: Options) -> Result<Atom> {
        if self.names {
            return Err(Error::new("a group cannot be referred to by number where groups have names"));
        }
        self.reference_to(number, options)
    }

    fn reference_to(&mut self, number: usize, options: Options) -> Result<Atom> {
        let group = number.checked_sub(1).and_then(|place| self.groups.get(place));
        match group {
            Some(group) if group.is_behind => Err(unsupported("a reference to a group inside a look-behind")),
            Some(_) if options.any_case => Err(unsupported("a reference in any case")),
            Some(group) if group.is_closed => Ok(Atom::Plain(Node::Reference(number))),
            _ => Err(unknown(number)),
        }
    }
}

pub(super) fn unknown(number: usize) -> Error {
    unsupported(format!("a reference to group {number}, which is not closed before it,"))
}

fn unclosed() -> Error {
    Error::new("an opening parenthesis has no closing one")
}

/// Whether any group has a name.
pub(super) fn has_names(pattern: &[char]) -> bool {
    let mut rest = pattern;
    while let Some((first, others)) = rest.split_first() {
        rest = match (first, others) {
            ('\\', [_, others @ ..]) => others,
            ('(', ['?', '\'', ..]) => return true,
            ('(', ['?', '<', next, ..]) if !matches!(next, '=' | '!') => return true,
            _ => others,
        };
    }
    false
}

/// The tree without the groups that nothing refers to.
pub(super) fn without_unused(tree: Node) -> Result<Node> {
    let mut used = Vec::new();
    references(&tree, &mut used);
    dropped(tree, &used)
}

fn references(node: &Node, used: &mut Vec<usize>) {
    match node {
        Node::Reference(number) => used.push(*number),
        _ => node.children().iter().for_each(|child| references(child, used)),
    }
}

fn dropped(node: Node, used: &[usize]) -> Result<Node> {
    let each = |nodes: Vec<Node>| nodes.into_iter().map(|node| dropped(node, used)).collect::<Result<_>>();
    Ok(match node {
        Node::Group(number, node) if !used.contains(&number) => dropped(*node, used)?,
        Node::Group(number, node) => Node::Group(number, Box::new(dropped(*node, used)?)),
        Node::Sequence(nodes) => Node::sequence(each(nodes)?),
        Node::Choice(nodes) => Node::choice(each(nodes)?),
        Node::Repeat { node, minimum, maximum, greedy } => {
            let node = dropped(*node, used)?;
            refuse_empty_turns(&node, minimum, maximum)?;
            node.repeat(minimum, maximum, greedy)
        }
        Node::Atomic(node) => Node::Atomic(Box::new(dropped(*node, used)?)),
        Node::Look { node, behind, negative } => dropped(*node, used)?.look(behind, negative),
        other => other,
    })
}

/// After a turn that matches nothing Oniguruma leaves the loop where it counts the turns, and goes on where it has
/// written them out; what a group captured in such a turn decides as well.
fn refuse_empty_turns(node: &Node, minimum: u32, maximum: Option<u32>) -> Result<()> {
    let counts = minimum > 1 || maximum.is_some_and(|maximum| maximum > 1);
    let captures = maximum != Some(1) && node.captures();
    if node.can_be_empty() && (counts || captures) {
        return Err(unsupported("counting, or capturing in, repetitions of what can match nothing"));
    }
    Ok(())
}
