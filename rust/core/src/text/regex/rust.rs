//! The syntax of the crates regex and fancy-regex, in which tiktoken writes its patterns.
//!
//! fancy-regex reads it; only its matcher is not used, which overflows at a million spaces.

use fancy_regex::{Assertion, Expr, LookAround};
use regex_syntax::hir::ClassUnicode;

use super::tree::{Anchor, Node};
use super::{fold, set, unsupported};
use crate::{Error, Result};

/// Reads a whole pattern.
pub(super) fn parse(pattern: &str) -> Result<Node> {
    // Compiling it finds what reading alone lets pass: bounds, references to nothing.
    fancy_regex::Regex::new(pattern).map_err(|error| not_compiled(&error))?;
    let tree = Expr::parse_tree(pattern).map_err(|error| not_compiled(&error))?;
    let mut reader = Reader { groups: 0, open: Vec::new(), is_used: |group| tree.backrefs.contains(group) };
    reader.read(&tree.expr)
}

fn not_compiled(error: &fancy_regex::Error) -> Error {
    Error::new(format!("it does not compile: {error}")).advise("correct the regular expression")
}

struct Reader<F> {
    groups: usize,
    /// Those that are being read.
    open: Vec<usize>,
    is_used: F,
}

impl<F: Fn(usize) -> bool> Reader<F> {
    fn read(&mut self, expr: &Expr) -> Result<Node> {
        Ok(match expr {
            Expr::Empty => Node::Nothing,
            Expr::Any { newline: true, .. } => Node::Set(set::everything()),
            Expr::Any { newline: false, crlf: false } => Node::Set(set::negated(set::of('\n', '\n'))),
            Expr::Assertion(assertion) => place(*assertion)?,
            Expr::GeneralNewline { unicode: true } => Node::line_break(),
            Expr::Literal { val, casei } => {
                let cased = |letter| if *casei { fold::of(letter) } else { set::of(letter, letter) };
                Node::sequence(val.chars().map(|letter| Node::Set(cased(letter))).collect())
            }
            Expr::LiteralBytes { bytes } => {
                Node::sequence(bytes.iter().map(|&byte| Node::character(char::from(byte))).collect())
            }
            Expr::Delegate { inner, casei } => Node::Set(class(inner, *casei)?),
            Expr::Concat(children) => Node::sequence(self.read_all(children)?),
            Expr::Alt(children) => Node::choice(self.read_all(children)?),
            Expr::Group(child) => {
                self.groups += 1;
                let number = self.groups;
                self.open.push(number);
                let node = self.read(child)?;
                self.open.pop();
                if (self.is_used)(number) { Node::Group(number, Box::new(node)) } else { node }
            }
            Expr::LookAround(child, look) => {
                let node = self.read(child)?;
                let behind = matches!(look, LookAround::LookBehind | LookAround::LookBehindNeg);
                let negative = matches!(look, LookAround::LookAheadNeg | LookAround::LookBehindNeg);
                let is_fixed = node.lengths().is_some_and(|(least, most)| most == Some(least));
                // fancy-regex has three ways to match these, which do not agree.
                if behind && !is_fixed && looks_or_clings(&node) {
                    return Err(unsupported(
                        "an atomic group, a possessive or a condition inside a look-behind of no fixed length",
                    ));
                }
                node.look(behind, negative)
            }
            Expr::Repeat { lo, hi, .. } if lo > hi => {
                return Err(unsupported("a repetition with its bounds swapped"));
            }
            Expr::Repeat { child, lo, hi, greedy } => {
                let bound = |count: usize| {
                    u32::try_from(count).map_err(|_| Error::new("a repetition counts beyond four billion"))
                };
                let maximum = if *hi == usize::MAX { None } else { Some(bound(*hi)?) };
                let node = self.read(child)?.repeat(bound(*lo)?, maximum, *greedy);
                // What becomes of a turn that matches nothing, the crates' two engines see differently.
                match &node {
                    Node::Repeat { node, maximum: None, .. }
                        if node.can_be_empty() && !matches!(**node, Node::Reference(_)) =>
                    {
                        return Err(unsupported("an endless repetition of what can match nothing"));
                    }
                    _ => node,
                }
            }
            Expr::AtomicGroup(child) => Node::Atomic(Box::new(self.read(child)?)),
            Expr::Backref { group, .. } if self.open.contains(group) => {
                return Err(unsupported("a reference to a group inside that group"));
            }
            Expr::Backref { group, casei: false } => Node::Reference(*group),
            other => return Err(unsupported(name_of(other))),
        })
    }

    fn read_all(&mut self, children: &[Expr]) -> Result<Vec<Node>> {
        children.iter().map(|child| self.read(child)).collect()
    }
}

fn looks_or_clings(node: &Node) -> bool {
    matches!(node, Node::Atomic(_) | Node::Look { .. }) || node.children().iter().any(looks_or_clings)
}

fn class(inner: &str, any_case: bool) -> Result<ClassUnicode> {
    if any_case { set::of_class(&format!("(?i:{inner})")) } else { set::of_class(inner) }
}

fn place(assertion: Assertion) -> Result<Node> {
    let newline = || set::of('\n', '\n');
    let word = || set::of_class(r"\w");
    let side = |behind, negative| Ok(Node::Set(word()?).look(behind, negative));
    Ok(match assertion {
        Assertion::StartText => Node::Anchor(Anchor::TextStart),
        Assertion::EndText => Node::Anchor(Anchor::TextEnd),
        Assertion::StartLine { crlf: false } => {
            Node::Choice(vec![Node::Anchor(Anchor::TextStart), Node::behind(newline())])
        }
        Assertion::EndLine { crlf: false } => Node::line_end(),
        Assertion::EndTextIgnoreTrailingNewlines { crlf: false } => {
            let newlines = Node::Set(newline()).repeat(0, None, true);
            Node::sequence(vec![newlines, Node::Anchor(Anchor::TextEnd)]).look(false, false)
        }
        Assertion::WordBoundary => Node::word_boundary(&word()?, false),
        Assertion::NotWordBoundary => Node::word_boundary(&word()?, true),
        Assertion::LeftWordBoundary => Node::Sequence(vec![side(true, true)?, side(false, false)?]),
        Assertion::RightWordBoundary => Node::Sequence(vec![side(true, false)?, side(false, true)?]),
        Assertion::LeftWordHalfBoundary => side(true, true)?,
        Assertion::RightWordHalfBoundary => side(false, true)?,
        _ => return Err(unsupported("(?R), line ends of two characters,")),
    })
}

fn name_of(expr: &Expr) -> &'static str {
    match expr {
        Expr::Any { .. } | Expr::GeneralNewline { .. } => "a mode of lines or bytes",
        Expr::Backref { .. } => "a reference in any case",
        Expr::BackrefWithRelativeRecursionLevel { .. } => "a reference to a level of recursion",
        Expr::KeepOut => "\\K",
        Expr::ContinueFromPreviousMatchEnd => "\\G",
        Expr::BackrefExistsCondition { .. } | Expr::Conditional { .. } => "a condition (?(...)...)",
        Expr::SubroutineCall(_) => "the call of a group",
        Expr::BacktrackingControlVerb(_) => "a verb (*...)",
        Expr::Absent(_) => "(?~...), what does not contain something,",
        Expr::DefineGroup { .. } => "(?(DEFINE)...)",
        _ => "a construct of this pattern",
    }
}
