//! A tree of a pattern as instructions for the machine.

use regex_syntax::hir::ClassUnicode;

use super::set::{self, Table};
use super::tree::{Anchor, Node};
use crate::{Error, Result};

/// No pattern that somebody wrote needs more; `(?:a{1000}){1000}` does.
const MOST_INSTRUCTIONS: usize = 1 << 18;

/// A target that is not known yet.
const OPEN: usize = usize::MAX;

/// What the machine does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Instruction {
    /// One character of a set.
    Set(usize),
    /// These bytes.
    Literal(Box<[u8]>),
    /// As many characters of a set as there are, within bounds. One entry of the stack stands for all the ways to
    /// give some back, so a run of any length costs nothing to remember.
    Run {
        set: usize,
        minimum: u32,
        maximum: u32,
        gives_back: bool,
    },
    /// Whether the neighbour is of a set.
    Peek {
        set: usize,
        behind: bool,
        negative: bool,
    },
    /// Go on at `first`; where that leads nowhere, at `second`.
    Split {
        first: usize,
        second: usize,
    },
    Jump(usize),
    /// Match the instructions up to `end` on their own and keep none of their other ways.
    Part {
        kind: Part,
        end: usize,
    },
    /// A turn of a loop whose body can match nothing.
    TurnStart {
        slot: usize,
    },
    /// Leaves the loop where the turn has matched nothing: it would go on for ever.
    TurnEnd {
        slot: usize,
        exit: usize,
    },
    /// Notes the position.
    Save(usize),
    /// The text between two slots.
    Reference {
        start: usize,
        end: usize,
    },
    Anchor(Anchor),
    /// The end of the pattern or of a part.
    Match,
    /// The end of a part that has to end at the position in a slot.
    MatchAt(usize),
}

/// How a part that is matched on its own counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// As text.
    Atomic,
    /// As a condition on what follows.
    Ahead { negative: bool },
    /// As a condition on what comes before, from `least` to `most` characters of it.
    Behind { negative: bool, least: usize, most: Option<usize>, slot: usize },
}

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) code: Vec<Instruction>,
    pub(super) sets: Vec<Table>,
    /// What every match begins with, where none is empty.
    pub(super) first: Option<Table>,
    /// How many positions it notes; the first is that of `Node::Keep`.
    pub(super) slots: usize,
}

impl Program {
    pub(super) fn new(tree: &Node) -> Result<Self> {
        let mut writer =
            Writer { code: Vec::new(), sets: Vec::new(), known: Vec::new(), groups: Vec::new(), slots: 1 };
        writer.write(tree)?;
        writer.push(Instruction::Match)?;
        let first = tree.first_characters().map(|set| Table::new(&set));
        Ok(Self { code: writer.code, sets: writer.sets, first, slots: writer.slots })
    }
}

struct Writer<'n> {
    code: Vec<Instruction>,
    sets: Vec<Table>,
    known: Vec<&'n ClassUnicode>,
    groups: Vec<(usize, usize)>,
    slots: usize,
}

impl<'n> Writer<'n> {
    fn push(&mut self, instruction: Instruction) -> Result<()> {
        if self.code.len() == MOST_INSTRUCTIONS {
            return Err(Error::new("the pattern is too large").advise("repeat less within what is repeated"));
        }
        self.code.push(instruction);
        Ok(())
    }

    /// Pushes an instruction whose target is not known yet; `land` gives it.
    fn push_open(&mut self, instruction: Instruction) -> Result<usize> {
        self.push(instruction)?;
        Ok(self.code.len() - 1)
    }

    fn land(&mut self, place: usize) {
        let here = self.code.len();
        match &mut self.code[place] {
            Instruction::Split { first, second } => *(if *first == OPEN { first } else { second }) = here,
            Instruction::Jump(target)
            | Instruction::Part { end: target, .. }
            | Instruction::TurnEnd { exit: target, .. } => *target = here,
            _ => {}
        }
    }

    fn set(&mut self, set: &'n ClassUnicode) -> usize {
        self.known.iter().position(|known| *known == set).unwrap_or_else(|| {
            self.known.push(set);
            self.sets.push(Table::new(set));
            self.sets.len() - 1
        })
    }

    fn write(&mut self, node: &'n Node) -> Result<()> {
        match node {
            Node::Nothing => Ok(()),
            Node::Set(of) => {
                if let Some(character) = set::single(of) {
                    return self.literal([character]);
                }
                let set = self.set(of);
                self.push(Instruction::Set(set))
            }
            Node::Sequence(nodes) => self.sequence(nodes),
            Node::Choice(nodes) => self.choice(nodes),
            Node::Repeat { node, minimum, maximum, greedy } => match (&**node, greedy) {
                (Node::Set(of), true) => self.run(of, *minimum, *maximum, true),
                _ => self.repeat(node, *minimum, *maximum, *greedy),
            },
            Node::Atomic(inner) => match &**inner {
                Node::Repeat { node, minimum, maximum, greedy: true } if matches!(**node, Node::Set(_)) => {
                    let Node::Set(of) = &**node else { return Ok(()) };
                    self.run(of, *minimum, *maximum, false)
                }
                _ => self.part(Part::Atomic, inner, Instruction::Match),
            },
            Node::Look { node, behind, negative } => self.look(node, *behind, *negative),
            Node::Group(number, node) => {
                let slot = self.slots_of(*number);
                self.push(Instruction::Save(slot))?;
                self.write(node)?;
                self.push(Instruction::Save(slot + 1))
            }
            Node::Reference(number) => {
                let start = self.slots_of(*number);
                self.push(Instruction::Reference { start, end: start + 1 })
            }
            Node::Anchor(anchor) => self.push(Instruction::Anchor(*anchor)),
            Node::Keep => self.push(Instruction::Save(0)),
        }
    }

    fn slots_of(&mut self, group: usize) -> usize {
        if let Some(&(_, slot)) = self.groups.iter().find(|(known, _)| *known == group) {
            return slot;
        }
        self.groups.push((group, self.slots));
        self.slots += 2;
        self.slots - 2
    }

    fn literal(&mut self, characters: impl IntoIterator<Item = char>) -> Result<()> {
        let text: String = characters.into_iter().collect();
        self.push(Instruction::Literal(text.into_bytes().into()))
    }

    fn sequence(&mut self, nodes: &'n [Node]) -> Result<()> {
        let mut rest = nodes;
        while let Some((first, others)) = rest.split_first() {
            let letters = rest.iter().map_while(|node| match node {
                Node::Set(of) => set::single(of),
                _ => None,
            });
            let letters: String = letters.collect();
            if letters.is_empty() {
                self.write(first)?;
                rest = others;
            } else {
                rest = &rest[letters.chars().count()..];
                self.literal(letters.chars())?;
            }
        }
        Ok(())
    }

    fn choice(&mut self, nodes: &'n [Node]) -> Result<()> {
        let Some((last, others)) = nodes.split_last() else { return Ok(()) };
        let mut exits = Vec::with_capacity(others.len());
        for node in others {
            let next = self.code.len() + 1;
            let split = self.push_open(Instruction::Split { first: next, second: OPEN })?;
            self.write(node)?;
            exits.push(self.push_open(Instruction::Jump(OPEN))?);
            self.land(split);
        }
        self.write(last)?;
        for exit in exits {
            self.land(exit);
        }
        Ok(())
    }

    fn run(
        &mut self,
        of: &'n ClassUnicode,
        minimum: u32,
        maximum: Option<u32>,
        gives_back: bool,
    ) -> Result<()> {
        let set = self.set(of);
        let maximum = maximum.unwrap_or(u32::MAX);
        self.push(Instruction::Run { set, minimum, maximum, gives_back: gives_back && minimum < maximum })
    }

    fn repeat(&mut self, node: &'n Node, minimum: u32, maximum: Option<u32>, greedy: bool) -> Result<()> {
        for _ in 0..minimum {
            self.write(node)?;
        }
        let Some(maximum) = maximum else { return self.forever(node, greedy) };
        let mut splits = Vec::new();
        for _ in minimum..maximum {
            splits.push(self.split(greedy)?);
            self.write(node)?;
        }
        for split in splits {
            self.land(split);
        }
        Ok(())
    }

    fn split(&mut self, greedy: bool) -> Result<usize> {
        let next = self.code.len() + 1;
        let (first, second) = if greedy { (next, OPEN) } else { (OPEN, next) };
        self.push_open(Instruction::Split { first, second })
    }

    fn forever(&mut self, node: &'n Node, greedy: bool) -> Result<()> {
        let start = self.code.len();
        let split = self.split(greedy)?;
        if node.can_be_empty() {
            let slot = self.slots;
            self.slots += 1;
            self.push(Instruction::TurnStart { slot })?;
            self.write(node)?;
            let end = self.push_open(Instruction::TurnEnd { slot, exit: OPEN })?;
            self.push(Instruction::Jump(start))?;
            self.land(end);
        } else {
            self.write(node)?;
            self.push(Instruction::Jump(start))?;
        }
        self.land(split);
        Ok(())
    }

    fn look(&mut self, node: &'n Node, behind: bool, negative: bool) -> Result<()> {
        if let Node::Set(of) = node {
            let set = self.set(of);
            return self.push(Instruction::Peek { set, behind, negative });
        }
        if !behind {
            return self.part(Part::Ahead { negative }, node, Instruction::Match);
        }
        let Some((least, most)) = node.lengths() else {
            return Err(Error::new("a look-behind that depends on what a group matched is not supported"));
        };
        let slot = self.slots;
        self.slots += 1;
        self.part(Part::Behind { negative, least, most, slot }, node, Instruction::MatchAt(slot))
    }

    fn part(&mut self, kind: Part, node: &'n Node, end: Instruction) -> Result<()> {
        let part = self.push_open(Instruction::Part { kind, end: OPEN })?;
        self.write(node)?;
        self.push(end)?;
        self.land(part);
        Ok(())
    }
}
