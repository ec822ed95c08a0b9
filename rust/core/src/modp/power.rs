//! Exponentiation in constant time: the same steps for every exponent of a length.

use super::montgomery::{Modulus, Wide};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// Octets of the exponents that the table of the generator is made for.
pub const EXPONENT_LENGTH: usize = 32;

/// Bits of the exponent taken at a time.
const WINDOW: usize = 4;
/// Powers in a table.
const ENTRIES: usize = 1 << WINDOW;
/// Tables of the generator. The more of them, the fewer squarings.
const COMBS: usize = 4;
/// Distance of two tables, in bits of the exponent.
const SPACING: usize = 64 / COMBS;

type Table<const N: usize> = [[u64; N]; ENTRIES];

/// One of the groups: its modulus, and powers of its generator, which is 2.
pub(super) struct Group<const N: usize, const ROWS: usize> {
    modulus: Modulus<N, ROWS>,
    /// Entry e of table c: 2 to the sum of 2^(64 t + SPACING c) over the bits t set in e.
    generator: Box<[Table<N>; COMBS]>,
}

/// What an exponentiation leaves in memory, to be wiped.
struct Work<const N: usize> {
    power: [u64; N],
    factor: [u64; N],
    wide: Wide<N>,
}

impl<const N: usize> Zeroize for Work<N> {
    fn zeroize(&mut self) {
        self.power.zeroize();
        self.factor.zeroize();
        self.wide.zeroize();
    }
}

impl<const N: usize> Work<N> {
    fn new(power: [u64; N]) -> Zeroizing<Self> {
        Zeroizing::new(Self {
            power,
            factor: [0; N],
            wide: [[0; N]; 2],
        })
    }

    fn enter<const R: usize>(&mut self, modulus: &Modulus<N, R>) {
        modulus.enter(&mut self.power, &mut self.wide);
    }

    fn square<const R: usize>(&mut self, modulus: &Modulus<N, R>) {
        modulus.square(&mut self.power, &mut self.wide);
    }

    /// Sets the factor to the entry at `index`; all entries are read.
    fn choose(&mut self, table: &Table<N>, index: u64) {
        self.factor = [0; N];
        for (entry, number) in table.iter().zip(0u64..) {
            let mask = u64::conditional_select(&0, &u64::MAX, number.ct_eq(&index));
            for (limb, entry) in self.factor.iter_mut().zip(entry) {
                *limb |= entry & mask;
            }
        }
    }

    fn multiply_entry<const R: usize>(
        &mut self,
        modulus: &Modulus<N, R>,
        table: &Table<N>,
        index: u64,
    ) {
        self.choose(table, index);
        modulus.multiply(&mut self.power, &self.factor, &mut self.wide);
    }

    fn leave<const R: usize>(&mut self, modulus: &Modulus<N, R>, out: &mut [u8]) {
        modulus.leave(&mut self.power, &mut self.wide);
        write(&self.power, out);
    }
}

impl<const N: usize, const ROWS: usize> Group<N, ROWS> {
    /// Does the work of about one exponentiation.
    pub(super) fn new(prime: [u64; N]) -> Self {
        let modulus = Modulus::new(prime);
        let mut generator = Box::new([[modulus.one(); ENTRIES]; COMBS]);
        let wide = &mut [[0; N]; 2];
        let mut power = modulus.two();
        for bit in 0..64 * WINDOW {
            let (tooth, comb) = (bit / 64, bit % 64 / SPACING);
            if bit % SPACING == 0 {
                // Teeth come in order: below this entry the table is complete.
                let (known, next) = generator[comb].split_at_mut(1 << tooth);
                for (next, known) in next.iter_mut().zip(known) {
                    *next = *known;
                    modulus.multiply(next, &power, wide);
                }
            }
            modulus.square(&mut power, wide);
        }
        Self { modulus, generator }
    }

    /// Writes 2^exponent mod p to `out`; it has the length of the modulus.
    pub(super) fn generate(&self, exponent: &[u8; EXPONENT_LENGTH], out: &mut [u8]) {
        let mut limbs = Zeroizing::new([0; EXPONENT_LENGTH / 8]);
        read(exponent, &mut *limbs);
        let mut work = Work::new(self.modulus.one());
        for bit in (0..SPACING).rev() {
            work.square(&self.modulus);
            for (comb, table) in self.generator.iter().enumerate() {
                // One bit of each limb: the teeth of the comb.
                let index = limbs.iter().rev().fold(0, |index, limb| {
                    index << 1 | limb >> (SPACING * comb + bit) & 1
                });
                work.multiply_entry(&self.modulus, table, index);
            }
        }
        work.leave(&self.modulus, out);
    }

    /// Writes base^exponent mod p to `out`; it and `base` have the length of the modulus.
    pub(super) fn power(&self, base: &[u8], exponent: &[u8], out: &mut [u8]) {
        let modulus = &self.modulus;
        let mut work = Work::new([0; N]);
        read(base, &mut work.power);
        work.enter(modulus);
        let mut table = Zeroizing::new([modulus.one(); ENTRIES]);
        table[1] = work.power;
        for i in 2..ENTRIES {
            table[i] = table[i / 2];
            modulus.square(&mut table[i], &mut work.wide);
            if i % 2 == 1 {
                let base = table[1];
                modulus.multiply(&mut table[i], &base, &mut work.wide);
            }
        }
        let digits = exponent
            .iter()
            .flat_map(|octet| [octet >> WINDOW, octet & 0x0F]);
        let mut digits = digits.map(u64::from);
        // Without squaring a 1 for the first digit; no digits make a 1.
        work.choose(&table, digits.next().unwrap_or(0));
        work.power = work.factor;
        for digit in digits {
            for _ in 0..WINDOW {
                work.square(modulus);
            }
            work.multiply_entry(modulus, &table, digit);
        }
        work.leave(modulus, out);
    }
}

/// Reads big-endian octets into limbs, the least significant first; the lengths agree.
fn read(octets: &[u8], limbs: &mut [u64]) {
    for (limb, octets) in limbs.iter_mut().zip(octets.as_rchunks().1.iter().rev()) {
        *limb = u64::from_be_bytes(*octets);
    }
}

/// Writes limbs as big-endian octets; the lengths agree.
fn write(limbs: &[u64], octets: &mut [u8]) {
    for (limb, octets) in limbs.iter().zip(octets.as_rchunks_mut().1.iter_mut().rev()) {
        *octets = limb.to_be_bytes();
    }
}
