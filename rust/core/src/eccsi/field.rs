//! F_p of P-256: four limbs in Montgomery form, in constant time.
//!
//! `p256` has this field too, but its products of points take three times as long.

/// p = 2^256 - 2^224 + 2^192 + 2^96 - 1, the least significant limb first, as everywhere.
const P: Limbs = [
    0xffff_ffff_ffff_ffff,
    0x0000_0000_ffff_ffff,
    0x0000_0000_0000_0000,
    0xffff_ffff_0000_0001,
];
/// 2^256 mod p.
const R: Limbs = [
    0x0000_0000_0000_0001,
    0xffff_ffff_0000_0000,
    0xffff_ffff_ffff_ffff,
    0x0000_0000_ffff_fffe,
];
/// 2^512 mod p.
const R_SQUARED: Limbs = [
    0x0000_0000_0000_0003,
    0xffff_fffb_ffff_ffff,
    0xffff_ffff_ffff_fffe,
    0x0000_0004_ffff_fffd,
];

type Limbs = [u64; 4];

/// An element: its limbs are those of 2^256 times it modulo p, below p.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field(Limbs);

impl zeroize::DefaultIsZeroes for Field {}

impl Default for Field {
    fn default() -> Self {
        Self::ZERO
    }
}

/// a + b + carry: the sum and its carry.
#[inline(always)]
const fn add_carry(a: u64, b: u64, carry: u64) -> (u64, u64) {
    let sum = a as u128 + b as u128 + carry as u128;
    (sum as u64, (sum >> 64) as u64)
}

/// a - b - borrow, which is 0 or 1: the difference and its borrow.
#[inline(always)]
const fn sub_borrow(a: u64, b: u64, borrow: u64) -> (u64, u64) {
    let difference = (a as u128).wrapping_sub(b as u128 + borrow as u128);
    (difference as u64, (difference >> 64) as u64 & 1)
}

/// a + b c + carry, which is below 2^128 whatever they are.
#[inline(always)]
const fn multiply_add(a: u64, b: u64, c: u64, carry: u64) -> (u64, u64) {
    let sum = a as u128 + b as u128 * c as u128 + carry as u128;
    (sum as u64, (sum >> 64) as u64)
}

impl Field {
    pub(super) const ZERO: Self = Self([0; 4]);
    pub(super) const ONE: Self = Self(R);

    /// A constant that is in Montgomery form.
    pub(super) const fn of(limbs: Limbs) -> Self {
        Self(limbs)
    }

    /// The number of 32 octets modulo p.
    pub(super) fn from_octets_modulo(octets: &[u8; 32]) -> Self {
        Self::reduced(limbs_of(octets), 0).multiply(&Self(R_SQUARED))
    }

    pub(super) fn to_octets(self) -> [u8; 32] {
        let plain = self.multiply(&Self([1, 0, 0, 0]));
        let mut octets = [0; 32];
        for (limb, octets) in plain.0.iter().rev().zip(octets.chunks_exact_mut(8)) {
            octets.copy_from_slice(&limb.to_be_bytes());
        }
        octets
    }

    /// A number below 2^256 + p, `high` being its fifth limb, less p if it is not below p.
    #[inline(always)]
    const fn reduced(limbs: Limbs, high: u64) -> Self {
        let (d0, borrow) = sub_borrow(limbs[0], P[0], 0);
        let (d1, borrow) = sub_borrow(limbs[1], P[1], borrow);
        let (d2, borrow) = sub_borrow(limbs[2], P[2], borrow);
        let (d3, borrow) = sub_borrow(limbs[3], P[3], borrow);
        let (_, borrow) = sub_borrow(high, 0, borrow);
        let keep = 0u64.wrapping_sub(borrow);
        Self([
            d0 ^ (keep & (d0 ^ limbs[0])),
            d1 ^ (keep & (d1 ^ limbs[1])),
            d2 ^ (keep & (d2 ^ limbs[2])),
            d3 ^ (keep & (d3 ^ limbs[3])),
        ])
    }

    #[inline(always)]
    pub(super) const fn add(&self, other: &Self) -> Self {
        let (s0, carry) = add_carry(self.0[0], other.0[0], 0);
        let (s1, carry) = add_carry(self.0[1], other.0[1], carry);
        let (s2, carry) = add_carry(self.0[2], other.0[2], carry);
        let (s3, carry) = add_carry(self.0[3], other.0[3], carry);
        Self::reduced([s0, s1, s2, s3], carry)
    }

    #[inline(always)]
    pub(super) const fn subtract(&self, other: &Self) -> Self {
        let (d0, borrow) = sub_borrow(self.0[0], other.0[0], 0);
        let (d1, borrow) = sub_borrow(self.0[1], other.0[1], borrow);
        let (d2, borrow) = sub_borrow(self.0[2], other.0[2], borrow);
        let (d3, borrow) = sub_borrow(self.0[3], other.0[3], borrow);
        let mask = 0u64.wrapping_sub(borrow);
        let (d0, carry) = add_carry(d0, P[0] & mask, 0);
        let (d1, carry) = add_carry(d1, P[1] & mask, carry);
        let (d2, carry) = add_carry(d2, P[2] & mask, carry);
        let (d3, _) = add_carry(d3, P[3] & mask, carry);
        Self([d0, d1, d2, d3])
    }

    #[inline(always)]
    pub(super) const fn negate(&self) -> Self {
        Self::ZERO.subtract(self)
    }

    #[inline(always)]
    pub(super) const fn double(&self) -> Self {
        self.add(self)
    }

    #[inline(always)]
    pub(super) const fn triple(&self) -> Self {
        self.double().add(self)
    }

    /// A product divided by 2^256, limb by limb.
    ///
    /// -1/p modulo 2^64 is 1, so that m is the lowest limb itself, and m p needs one product:
    /// its two lower limbs are those of m 2^96 - m, whose -m cancels the lowest limb.
    /// The sum stays below 2p before each step, as always with Montgomery.
    #[inline(always)]
    pub(super) const fn multiply(&self, other: &Self) -> Self {
        let (a, b) = (&self.0, &other.0);
        let (mut t0, mut t1, mut t2, mut t3, mut t4) = (0, 0, 0, 0, 0);
        let mut i = 0;
        while i < 4 {
            let mut carry;
            (t0, carry) = multiply_add(t0, a[0], b[i], 0);
            (t1, carry) = multiply_add(t1, a[1], b[i], carry);
            (t2, carry) = multiply_add(t2, a[2], b[i], carry);
            (t3, carry) = multiply_add(t3, a[3], b[i], carry);
            let (high, over) = add_carry(t4, carry, 0);
            let m = t0;
            (t0, carry) = add_carry(t1, m << 32, 0);
            (t1, carry) = add_carry(t2, m >> 32, carry);
            (t2, carry) = multiply_add(t3, m, P[3], carry);
            (t3, carry) = add_carry(high, carry, 0);
            t4 = over + carry;
            i += 1;
        }
        Self::reduced([t0, t1, t2, t3], t4)
    }

    #[inline(always)]
    pub(super) const fn square(&self) -> Self {
        self.multiply(self)
    }

    const fn square_times(&self, count: usize) -> Self {
        let mut power = *self;
        let mut i = 0;
        while i < count {
            power = power.square();
            i += 1;
        }
        power
    }

    /// The power p - 2, which is the inverse; 0 for 0.
    ///
    /// p - 2 is, from the top, 32 ones, 31 zeros and a one, 96 zeros, 94 ones, a zero and a one.
    pub(super) const fn invert(&self) -> Self {
        let ones_2 = self.square().multiply(self);
        let ones_4 = ones_2.square_times(2).multiply(&ones_2);
        let ones_8 = ones_4.square_times(4).multiply(&ones_4);
        let ones_16 = ones_8.square_times(8).multiply(&ones_8);
        let ones_30 = ones_16
            .square_times(8)
            .multiply(&ones_8)
            .square_times(4)
            .multiply(&ones_4)
            .square_times(2)
            .multiply(&ones_2);
        let ones_32 = ones_30.square_times(2).multiply(&ones_2);
        ones_32
            .square_times(32)
            .multiply(self)
            .square_times(96 + 32)
            .multiply(&ones_32)
            .square_times(32)
            .multiply(&ones_32)
            .square_times(30)
            .multiply(&ones_30)
            .square_times(2)
            .multiply(self)
    }

    /// `other` where the mask is all ones, `self` where it is 0.
    #[inline(always)]
    pub(super) const fn select(&self, other: &Self, mask: u64) -> Self {
        Self([
            self.0[0] ^ (mask & (self.0[0] ^ other.0[0])),
            self.0[1] ^ (mask & (self.0[1] ^ other.0[1])),
            self.0[2] ^ (mask & (self.0[2] ^ other.0[2])),
            self.0[3] ^ (mask & (self.0[3] ^ other.0[3])),
        ])
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().fold(0, |all, limb| all | limb) == 0
    }
}

fn limbs_of(octets: &[u8; 32]) -> Limbs {
    let mut limbs = [0; 4];
    for (limb, octets) in limbs.iter_mut().rev().zip(octets.chunks_exact(8)) {
        *limb = octets
            .iter()
            .fold(0, |number, octet| number << 8 | u64::from(*octet));
    }
    limbs
}
