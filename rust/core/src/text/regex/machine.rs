//! Matching by trying: the first way through the instructions, and on failure the next.
//!
//! Backtracking is what both dialects are defined by; look-around, atomic groups and references need it. Ways that
//! are left to try wait on a stack of our own, so that a megabyte of spaces overflows nothing. Known split patterns
//! take time in proportion to the text.

use std::ops::Range;

use super::program::{Instruction, Part, Program};
use super::set::Table;
use super::tree::Anchor;
use crate::{Error, Result};

/// Ways that one match may try; Oniguruma gives up after ten million.
const MOST_TRIES: usize = 10_000_000;

/// Something to do when the way that is being tried leads nowhere.
#[derive(Debug, Clone, Copy)]
enum Entry {
    /// Go on at an instruction and a position.
    Branch { code: usize, position: usize },
    /// Go on at an instruction after a run that gives back one more character, down to `least`.
    Run { code: usize, least: usize, position: usize },
    /// A slot had this value before.
    Restore { slot: usize, value: usize },
}

/// A search of one text.
pub(super) struct Machine<'s> {
    program: &'s Program,
    text: &'s str,
    stack: Vec<Entry>,
    slots: Vec<usize>,
    search_start: usize,
    /// Where text ends for what is matched: in a look-behind, where that began.
    limit: usize,
    tries_left: usize,
}

const UNSET: usize = usize::MAX;

impl<'s> Machine<'s> {
    pub(super) fn new(program: &'s Program, text: &'s str) -> Self {
        let slots = vec![UNSET; program.slots];
        Self { program, text, stack: Vec::new(), slots, search_start: 0, limit: text.len(), tries_left: 0 }
    }

    /// The first match that begins at `from` or after it.
    pub(super) fn find(&mut self, from: usize) -> Result<Option<Range<usize>>> {
        self.search_start = from;
        let mut start = from;
        loop {
            if let Some(first) = &self.program.first {
                let mut rest = self.text[start..].char_indices();
                let Some((skipped, _)) = rest.find(|&(_, character)| first.contains(character)) else {
                    return Ok(None);
                };
                start += skipped;
            }
            self.slots.fill(UNSET);
            self.stack.clear();
            self.tries_left = MOST_TRIES + 16 * self.text.len();
            if let Some(end) = self.run(0, start)? {
                let kept = self.slots[0];
                return Ok(Some(if kept == UNSET { start } else { kept }..end));
            }
            match self.character(start) {
                Some(character) => start += character.len_utf8().max(self.hopeless(start)),
                None => return Ok(None),
            }
        }
    }

    /// The bytes after `start` at which no match can begin, since none began there: a pattern that begins with an
    /// endless run has tried all ends of it. Without this `\s+$` would be quadratic.
    fn hopeless(&self, start: usize) -> usize {
        match self.program.code.first() {
            Some(Instruction::Run { set, maximum: u32::MAX, .. }) => {
                run_of(&self.program.sets[*set], &self.text[start..], 0, u32::MAX).map_or(0, |(_, end)| end)
            }
            _ => 0,
        }
    }

    #[inline]
    fn character(&self, position: usize) -> Option<char> {
        self.text[position..].chars().next()
    }

    /// Matches the instructions from `code` on; where that fails, all is as it was before.
    fn run(&mut self, mut code: usize, mut position: usize) -> Result<Option<usize>> {
        let base = self.stack.len();
        let program = self.program;
        loop {
            let next = match &program.code[code] {
                Instruction::Match => return Ok(Some(position)),
                Instruction::MatchAt(slot) if self.slots[*slot] == position => return Ok(Some(position)),
                Instruction::Jump(target) => Some((*target, position)),
                Instruction::Split { first, second } => {
                    self.stack.push(Entry::Branch { code: *second, position });
                    Some((*first, position))
                }
                Instruction::Part { kind, end } => self.part(kind, code + 1, position)?.map(|to| (*end, to)),
                Instruction::TurnEnd { slot, exit } => {
                    Some((if self.slots[*slot] == position { *exit } else { code + 1 }, position))
                }
                other => self.step(other, code + 1, position).map(|to| (code + 1, to)),
            };
            (code, position) = match next {
                Some(next) => next,
                None => match self.next_way(base)? {
                    Some(way) => way,
                    None => return Ok(None),
                },
            };
        }
    }

    /// Where an instruction that goes on to the next one leads.
    #[inline]
    fn step(&mut self, instruction: &Instruction, after: usize, position: usize) -> Option<usize> {
        match instruction {
            Instruction::Set(set) => {
                let character = self.text[position..self.limit].chars().next()?;
                self.program.sets[*set].contains(character).then(|| position + character.len_utf8())
            }
            Instruction::Literal(bytes) => {
                self.text.as_bytes()[position..self.limit].starts_with(bytes).then(|| position + bytes.len())
            }
            Instruction::Run { set, minimum, maximum, gives_back } => {
                let (least, end) =
                    run_of(&self.program.sets[*set], &self.text[position..self.limit], *minimum, *maximum)?;
                if *gives_back && least < end {
                    self.stack.push(Entry::Run {
                        code: after,
                        least: position + least,
                        position: position + end,
                    });
                }
                Some(position + end)
            }
            Instruction::Peek { set, behind, negative } => {
                let neighbour = if *behind {
                    self.text[..position].chars().next_back()
                } else {
                    self.character(position)
                };
                let found = neighbour.is_some_and(|character| self.program.sets[*set].contains(character));
                (found != *negative).then_some(position)
            }
            Instruction::TurnStart { slot } | Instruction::Save(slot) => {
                self.stack.push(Entry::Restore { slot: *slot, value: self.slots[*slot] });
                self.slots[*slot] = position;
                Some(position)
            }
            Instruction::Reference { start, end } => {
                let (start, end) = (self.slots[*start], self.slots[*end]);
                let same =
                    end != UNSET && self.text[position..self.limit].starts_with(self.text.get(start..end)?);
                same.then(|| position + end - start)
            }
            Instruction::Anchor(anchor) => {
                let here = match anchor {
                    Anchor::TextStart => position == 0,
                    Anchor::TextEnd => position == self.text.len(),
                    Anchor::SearchStart => position == self.search_start,
                };
                here.then_some(position)
            }
            _ => None,
        }
    }

    /// The next of the ways that wait above `base`.
    fn next_way(&mut self, base: usize) -> Result<Option<(usize, usize)>> {
        self.tries_left = self.tries_left.checked_sub(1).ok_or_else(|| {
            Error::new("the pattern gave up: it has too many ways to match the text")
                .advise("do not repeat what repeats")
        })?;
        while self.stack.len() > base {
            match self.stack.pop() {
                Some(Entry::Branch { code, position }) => return Ok(Some((code, position))),
                Some(Entry::Run { code, least, position }) => {
                    let last = self.text[..position].chars().next_back().map_or(0, char::len_utf8);
                    let position = position - last;
                    if position > least {
                        self.stack.push(Entry::Run { code, least, position });
                    }
                    return Ok(Some((code, position)));
                }
                Some(Entry::Restore { slot, value }) => self.slots[slot] = value,
                None => break,
            }
        }
        Ok(None)
    }

    /// Matches a part and keeps none of its other ways: where it stands, or None where it fails.
    fn part(&mut self, kind: &Part, code: usize, position: usize) -> Result<Option<usize>> {
        let base = self.stack.len();
        let (end, negative) = match kind {
            Part::Atomic => {
                let end = self.run(code, position)?;
                self.drop_ways(base);
                return Ok(end);
            }
            Part::Ahead { negative } => {
                let limit = std::mem::replace(&mut self.limit, self.text.len());
                let end = self.run(code, position);
                self.limit = limit;
                (end?, *negative)
            }
            Part::Behind { negative, least, most, slot } => {
                self.slots[*slot] = position;
                let limit = std::mem::replace(&mut self.limit, position);
                let end = self.behind(code, position, *least, *most);
                self.limit = limit;
                (end?, *negative)
            }
        };
        if negative {
            self.undo(base);
        } else {
            self.drop_ways(base);
        }
        Ok((end.is_some() != negative).then_some(position))
    }

    /// Matches a part that ends at `position`, from the nearest start to the farthest.
    fn behind(
        &mut self,
        code: usize,
        position: usize,
        least: usize,
        most: Option<usize>,
    ) -> Result<Option<usize>> {
        let text = self.text;
        let starts = text[..position].char_indices().rev().map(|(start, _)| start);
        let starts = std::iter::once(position).chain(starts).skip(least);
        for start in starts.take(most.map_or(usize::MAX, |most| most - least + 1)) {
            let end = self.run(code, start)?;
            if end.is_some() {
                return Ok(end);
            }
        }
        Ok(None)
    }

    /// Forgets the ways above `base`, but not what slots were before it.
    fn drop_ways(&mut self, base: usize) {
        let mut kept = base;
        for place in base..self.stack.len() {
            if matches!(self.stack[place], Entry::Restore { .. }) {
                self.stack[kept] = self.stack[place];
                kept += 1;
            }
        }
        self.stack.truncate(kept);
    }

    fn undo(&mut self, base: usize) {
        for entry in self.stack.drain(base..).rev() {
            if let Entry::Restore { slot, value } = entry {
                self.slots[slot] = value;
            }
        }
    }
}

/// Where the least and the longest run of `set` at the start of `text` end; None where the least is not there.
#[inline]
fn run_of(set: &Table, text: &str, minimum: u32, maximum: u32) -> Option<(usize, usize)> {
    let mut characters = text.char_indices();
    let (mut count, mut least) = (0, None);
    let end = loop {
        if count == minimum {
            least = Some(characters.offset());
        }
        let before = characters.offset();
        match characters.next() {
            Some((_, character)) if count < maximum && set.contains(character) => {
                count = count.saturating_add(1);
            }
            _ => break before,
        }
    };
    least.map(|least| (least, end))
}
