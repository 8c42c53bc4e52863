//! How often words occur that stand in the order of their counts.

/// Words up to the place `end` occur `count` times each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) end: u32,
    pub(super) count: u64,
}

/// How often words occur, asked in the order of their places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts<'a> {
    /// Those that have not been passed.
    steps: &'a [Step],
}

impl<'a> Counts<'a> {
    pub(super) fn of(steps: &'a [Step]) -> Self {
        Self { steps }
    }

    /// The count of the word at a place, which is not before the last one asked for.
    #[inline]
    pub(super) fn at(&mut self, place: u32) -> u64 {
        match self.steps {
            [step, ..] if place < step.end => step.count,
            _ => self.advance(place),
        }
    }

    fn advance(&mut self, place: u32) -> u64 {
        let passed = self.steps.partition_point(|step| step.end <= place);
        self.steps = &self.steps[passed..];
        self.steps.first().map_or(0, |step| step.count)
    }
}
