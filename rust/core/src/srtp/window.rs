//! The replay list (RFC 3711 3.3.2): a sliding bitmap of the indices seen.

/// The smallest window RFC 3711 3.3.2 allows.
pub const MIN_SIZE: u32 = 64;
/// Half the space of sequence numbers: beyond it an RTP index cannot be estimated anyway.
pub const MAX_SIZE: u32 = 1 << 15;

/// Which of the last `size` indices were seen.
///
/// The bitmap is a ring of words, addressed by the index itself; one word more than `size` asks
/// for, so that the word being filled never holds bits that still count.
pub struct Window {
    words: Box<[u64]>,
    size: u64,
    highest: Option<u64>,
}

/// Why an index is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It was seen.
    Seen,
    /// It lies before the window, so nobody can say.
    TooOld,
}

impl Window {
    /// An empty window; `size` lies in `MIN_SIZE..=MAX_SIZE` (the callers check it).
    pub fn new(size: u32) -> Self {
        let words = size.div_ceil(u64::BITS) as usize + 1;
        Self {
            words: vec![0; words].into_boxed_slice(),
            size: u64::from(size),
            highest: None,
        }
    }

    /// The highest index seen.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Say whether `index` may still come; changes nothing.
    pub fn check(&self, index: u64) -> Result<(), Refusal> {
        match self.highest {
            Some(highest) if index <= highest => {
                if highest - index >= self.size {
                    Err(Refusal::TooOld)
                } else if self.words[self.word(index)] & bit(index) != 0 {
                    Err(Refusal::Seen)
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether all indices below `index` are too old.
    pub fn is_past(&self, index: u64) -> bool {
        self.highest
            .is_some_and(|highest| highest + 1 >= index + self.size)
    }

    /// Note that `index`, which [`Window::check`] let pass, was seen.
    pub fn mark(&mut self, index: u64) {
        if self.highest.is_none_or(|highest| index > highest) {
            self.advance(index);
        }
        let word = self.word(index);
        self.words[word] |= bit(index);
    }

    /// Octets on the heap.
    pub fn heap_size(&self) -> usize {
        size_of_val(&*self.words)
    }

    fn advance(&mut self, index: u64) {
        let last = self.highest.map_or(0, word_number);
        let fresh = word_number(index)
            .saturating_sub(last)
            .min(self.words.len() as u64);
        for step in 0..fresh {
            let word = ((word_number(index) - step) % self.words.len() as u64) as usize;
            self.words[word] = 0;
        }
        self.highest = Some(index);
    }

    fn word(&self, index: u64) -> usize {
        (word_number(index) % self.words.len() as u64) as usize
    }
}

fn word_number(index: u64) -> u64 {
    index / u64::from(u64::BITS)
}

fn bit(index: u64) -> u64 {
    1 << (index % u64::from(u64::BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the window claims to be, without a bitmap.
    #[derive(Default)]
    struct Model(std::collections::BTreeSet<u64>);

    impl Model {
        fn check(&self, index: u64, size: u64) -> Result<(), Refusal> {
            match self.0.last() {
                Some(highest) if index + size <= *highest => Err(Refusal::TooOld),
                _ if self.0.contains(&index) => Err(Refusal::Seen),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn agrees_with_a_set_of_all_indices() {
        for size in [64, 65, 127, 128, 1000] {
            let (mut window, mut model) = (Window::new(size), Model::default());
            let (mut state, mut centre) = (1u64, 70_000u64);
            for _ in 0..20_000 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                let draw = state >> 33;
                centre += if draw % 500 == 0 {
                    draw % 3000
                } else {
                    draw % 3
                };
                let index = centre - draw % (2 * u64::from(size));
                let verdict = window.check(index);
                assert_eq!(verdict, model.check(index, u64::from(size)), "{index}");
                if verdict.is_ok() {
                    window.mark(index);
                    model.0.insert(index);
                }
            }
        }
    }
}
