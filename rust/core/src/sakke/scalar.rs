//! Numbers modulo the group's order q: master secrets, identifiers and r.

use super::limbs::{self, Limbs, LIMBS, OCTETS};
use super::parameters::Q;
use zeroize::{Zeroize, Zeroizing};

/// A number below q.
#[derive(Clone)]
pub struct Scalar(pub(super) Limbs);

impl Drop for Scalar {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// An odd digit: 2 index + 1, negated if the mask is all ones.
pub struct Digit {
    pub index: u64,
    pub negative: u64,
}

impl Scalar {
    /// Any number of 1024 bits modulo q: q is above 2^1021, so that 4 q, 2 q and q, subtracted
    /// where they can be, leave less than q of what is below 8 q.
    pub fn reduce(number: &Limbs) -> Self {
        let mut rest = *number;
        for shift in [2, 1, 0] {
            let multiple = core::array::from_fn(|i| {
                let low = if i > 0 {
                    Q.m[i - 1] >> 1 >> (63 - shift)
                } else {
                    0
                };
                Q.m[i] << shift | low
            });
            let (less, borrow) = limbs::sub(&rest, &multiple);
            rest = limbs::select(&rest, &less, limbs::mask(!borrow));
        }
        Self(rest)
    }

    /// Reads big-endian octets; `None` for 0 and for what is not below q.
    pub fn from_octets(octets: &[u8; OCTETS]) -> Option<Self> {
        let number = limbs::from_octets(octets);
        let valid = limbs::less(&number, &Q.m) & !limbs::equal(&number, &[0; LIMBS]);
        valid.then_some(Self(number))
    }

    /// An identifier as integer (RFC 6508 2.2), 2 to q - 1. What is shorter than q, 127 octets,
    /// is below q; `None` for what is longer, and for 0 and 1.
    pub fn from_identifier(identifier: &[u8]) -> Option<Self> {
        let mut octets = [0; OCTETS];
        let start = OCTETS.checked_sub(identifier.len())?;
        if start == 0 {
            return None;
        }
        octets[start..].copy_from_slice(identifier);
        let number = limbs::from_octets(&octets);
        let mut two = [0; LIMBS];
        two[0] = 2;
        (!limbs::less(&number, &two)).then_some(Self(number))
    }

    /// The bits from the highest one set, for public numbers.
    pub fn vartime_bits(&self) -> impl Iterator<Item = bool> + '_ {
        (0..64 * LIMBS)
            .rev()
            .map(|i| self.0[i / 64] >> (i % 64) & 1 == 1)
            .skip_while(|bit| !bit)
    }

    pub fn add(&self, other: &Self) -> Self {
        Self(Q.add(&self.0, &other.0))
    }

    pub fn mul(&self, other: &Self) -> Self {
        Self(Q.mul(&Q.enter(&self.0), &other.0))
    }

    /// Digits of `BITS` bits, the lowest first, that are all odd: the sum of d_i 2^(BITS i) is
    /// the number or the number plus q, whichever is odd.
    ///
    /// An odd k is d_0 + 2^BITS k' with d_0 = (k mod 2^(BITS + 1)) - 2^BITS, which is odd, and
    /// then k' = 2 floor(k / 2^(BITS + 1)) + 1 is odd again. So digit i is what stands in k from
    /// bit `BITS` i on, the lowest bit set, less 2^BITS. The highest digit is what is left, as if
    /// k had a bit set above it; k is below 2 q < 2^1023.
    pub fn odd_digits<const BITS: usize>(&self, count: usize) -> impl Iterator<Item = Digit> + '_ {
        assert!(BITS * count >= 64 * LIMBS - 1);
        let even = limbs::mask(self.0[0] & 1 == 0);
        let odd = Zeroizing::new(limbs::add(&self.0, &limbs::masked(&Q.m, even)).0);
        (0..count).map(move |i| {
            let (limb, shift) = (BITS * i / 64, BITS * i % 64);
            let low = odd.get(limb).map_or(0, |limb| limb >> shift);
            let high = odd
                .get(limb + 1)
                .map_or(0, |limb| limb << 1 << (63 - shift));
            let top = u64::from(i + 1 == count) << BITS;
            let window = (low | high | top) & ((2 << BITS) - 1);
            // Above 2^BITS the digit is positive. |digit| = 2 index + 1.
            let negative = limbs::mask(window >> BITS == 0);
            Digit {
                index: ((window ^ negative) & ((1 << BITS) - 1)) >> 1,
                negative,
            }
        })
    }

    /// The same digits, for `rows` of a table which `LEVELS` digits after each other share.
    pub fn odd_digits_of_rows<const BITS: usize, const LEVELS: usize>(
        &self,
        rows: usize,
    ) -> impl Iterator<Item = [Digit; LEVELS]> + '_ {
        let mut digits = self.odd_digits::<BITS>(LEVELS * rows);
        (0..rows).map(move |_| {
            core::array::from_fn(|_| digits.next().expect("there are digits for each row"))
        })
    }

    /// The inverse; `None` of 0.
    pub fn invert(&self) -> Option<Self> {
        let inverse = Q.leave(&Q.invert(&Q.enter(&self.0)));
        (!limbs::equal(&inverse, &[0; LIMBS])).then_some(Self(inverse))
    }
}
