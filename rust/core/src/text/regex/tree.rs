//! What a pattern says, whatever dialect it was written in.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::set;

/// A pattern or a part of one. Flags, case and line endings were resolved when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// The empty string.
    Nothing,
    /// One character of a set.
    Set(ClassUnicode),
    /// One after the other.
    Sequence(Vec<Node>),
    /// The first that leads to a match.
    Choice(Vec<Node>),
    /// As often as possible, or as seldom, between two bounds.
    Repeat { node: Box<Node>, minimum: u32, maximum: Option<u32>, greedy: bool },
    /// Its first match or none: nothing that follows makes it try another.
    Atomic(Box<Node>),
    /// Whether it matches here, without moving.
    Look { node: Box<Node>, behind: bool, negative: bool },
    /// Its match is kept under a number for `Reference`.
    Group(usize, Box<Node>),
    /// What a group matched last.
    Reference(usize),
    /// A place.
    Anchor(Anchor),
    /// The match begins here, whatever was matched before.
    Keep,
}

/// A place of the text that a look at one neighbour does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    TextStart,
    TextEnd,
    /// Where this search began: the end of the match before.
    SearchStart,
}

impl Node {
    pub(super) fn character(character: char) -> Self {
        Self::Set(set::of(character, character))
    }

    pub(super) fn sequence(nodes: Vec<Node>) -> Self {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Self::Nothing => {}
                Self::Sequence(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Nothing,
            1 => flat.remove(0),
            _ => Self::Sequence(flat),
        }
    }

    pub(super) fn choice(nodes: Vec<Node>) -> Self {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Self::Choice(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Self::Choice(flat) }
    }

    pub(super) fn repeat(self, minimum: u32, maximum: Option<u32>, greedy: bool) -> Self {
        match (self, minimum, maximum) {
            (_, _, Some(0)) => Self::Nothing,
            (node, 1, Some(1)) => node,
            // What is repeated without end need not be repeated again: nested loops would try every way to share
            // the text out between them.
            (Self::Repeat { node, minimum: inner @ (0 | 1), maximum: None, greedy: true }, 0 | 1, None)
                if greedy =>
            {
                Self::Repeat { node, minimum: inner.min(minimum), maximum: None, greedy }
            }
            (node, ..) => Self::Repeat { node: Box::new(node), minimum, maximum, greedy },
        }
    }

    pub(super) fn look(self, behind: bool, negative: bool) -> Self {
        let node = if behind { self.shortened() } else { self };
        Self::Look { node: Box::new(node), behind, negative }
    }

    pub(super) fn ahead(of: ClassUnicode) -> Self {
        Self::Set(of).look(false, false)
    }

    pub(super) fn behind(of: ClassUnicode) -> Self {
        Self::Set(of).look(true, false)
    }

    /// A word boundary, or its negation, by what counts as a character of a word.
    pub(super) fn word_boundary(word: &ClassUnicode, negated: bool) -> Self {
        let side = |behind: bool, negative: bool| Self::Set(word.clone()).look(behind, negative);
        Self::Choice(vec![
            Self::Sequence(vec![side(true, false), side(false, !negated)]),
            Self::Sequence(vec![side(true, true), side(false, negated)]),
        ])
    }

    /// Before a line feed or at the end of the text.
    pub(super) fn line_end() -> Self {
        Self::Choice(vec![Self::Anchor(Anchor::TextEnd), Self::ahead(set::of('\n', '\n'))])
    }

    /// `\r\n`, or one character that ends a line.
    pub(super) fn line_break() -> Self {
        let pair = Self::Sequence(vec![Self::character('\r'), Self::character('\n')]);
        let ranges = [('\n', '\r'), ('\u{85}', '\u{85}'), ('\u{2028}', '\u{2029}')];
        Self::Atomic(Box::new(Self::Choice(vec![pair, Self::Set(set::of_ranges(ranges))])))
    }

    /// The parts that it consists of.
    pub(super) fn children(&self) -> &[Node] {
        match self {
            Self::Sequence(nodes) | Self::Choice(nodes) => nodes,
            Self::Repeat { node, .. }
            | Self::Atomic(node)
            | Self::Look { node, .. }
            | Self::Group(_, node) => std::slice::from_ref(node),
            _ => &[],
        }
    }

    /// Whether it has a group.
    pub(super) fn captures(&self) -> bool {
        matches!(self, Self::Group(..)) || self.children().iter().any(Self::captures)
    }

    /// Whether it may match nothing; what depends on a group may.
    pub(super) fn can_be_empty(&self) -> bool {
        self.lengths().is_none_or(|(least, _)| least == 0)
    }

    /// Whether it is a place rather than text: nothing that Oniguruma would repeat.
    pub(super) fn is_place(&self) -> bool {
        match self {
            Self::Look { .. } | Self::Anchor(_) | Self::Keep => true,
            Self::Sequence(nodes) => nodes.iter().all(Self::is_place),
            Self::Choice(nodes) => nodes.iter().any(Self::is_place),
            _ => false,
        }
    }

    /// The characters that its matches begin with; None where it may match nothing.
    pub(super) fn first_characters(&self) -> Option<ClassUnicode> {
        let mut ranges = Vec::new();
        let may_be_empty = self.add_first_characters(&mut ranges);
        (!may_be_empty).then(|| ClassUnicode::new(ranges))
    }

    /// Adds them to `ranges`; whether it may match nothing, so that those of what follows count too.
    fn add_first_characters(&self, ranges: &mut Vec<ClassUnicodeRange>) -> bool {
        match self {
            Self::Nothing | Self::Look { .. } | Self::Anchor(_) | Self::Keep => true,
            Self::Set(of) => {
                ranges.extend(of.ranges());
                false
            }
            Self::Sequence(nodes) => nodes.iter().all(|node| node.add_first_characters(ranges)),
            Self::Choice(nodes) => {
                let mut may_be_empty = false;
                for node in nodes {
                    may_be_empty |= node.add_first_characters(ranges);
                }
                may_be_empty
            }
            Self::Repeat { node, minimum, .. } => node.add_first_characters(ranges) || *minimum == 0,
            Self::Atomic(node) | Self::Group(_, node) => node.add_first_characters(ranges),
            Self::Reference(_) => {
                ranges.extend(set::everything().ranges());
                true
            }
        }
    }

    /// What a look-behind has to look for: how often its first character is repeated beyond the least does not
    /// matter, so it need not be searched for.
    fn shortened(self) -> Self {
        match self {
            Self::Repeat { node, minimum, .. } if matches!(*node, Self::Set(_)) => {
                node.repeat(minimum, Some(minimum), true)
            }
            Self::Sequence(mut nodes) => {
                let first = nodes.remove(0).shortened();
                let is_gone = first == Self::Nothing;
                nodes.insert(0, first);
                let rest = Self::sequence(nodes);
                if is_gone { rest.shortened() } else { rest }
            }
            Self::Choice(nodes) => Self::Choice(nodes.into_iter().map(Self::shortened).collect()),
            other => other,
        }
    }

    /// The least and the greatest number of characters that it matches; None where that depends on a group.
    pub(super) fn lengths(&self) -> Option<(usize, Option<usize>)> {
        match self {
            Self::Nothing | Self::Look { .. } | Self::Anchor(_) | Self::Keep => Some((0, Some(0))),
            Self::Set(_) => Some((1, Some(1))),
            Self::Sequence(nodes) => nodes.iter().try_fold((0, Some(0)), |(least, most), node| {
                let (low, high) = node.lengths()?;
                Some((least + low, most.zip(high).map(|(most, high)| most + high)))
            }),
            Self::Choice(nodes) => {
                let mut lengths = nodes.iter().map(Self::lengths);
                let first = lengths.next()??;
                lengths.try_fold(first, |(least, most), node| {
                    let (low, high) = node?;
                    Some((least.min(low), most.zip(high).map(|(most, high)| most.max(high))))
                })
            }
            Self::Repeat { node, minimum, maximum, .. } => {
                let (low, high) = node.lengths()?;
                let most = if high == Some(0) {
                    Some(0)
                } else {
                    high.zip(*maximum).map(|(high, times)| high.saturating_mul(times as usize))
                };
                Some((low.saturating_mul(*minimum as usize), most))
            }
            Self::Atomic(node) | Self::Group(_, node) => node.lengths(),
            Self::Reference(_) => None,
        }
    }
}
