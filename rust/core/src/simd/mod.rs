//! Arithmetic for one kind of processor: the 1024-bit field of SAKKE (RFC 6508 appendix A) with
//! `mulx`, `adcx` and `adox`, and eight messages at once with AVX-512 IFMA.
//!
//! The one module with `unsafe`: inline assembly and vector instructions, each used only where
//! the processor was asked for it. Everything here has a portable twin of the same results, which
//! runs everywhere else.
//!
//! Nothing here branches on a number or addresses memory by one.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod adx;
pub mod batch;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod portable;
mod select;
#[cfg(test)]
mod tests;

pub use select::select;

/// A number below 2^1024, its lowest limb first.
pub type Limbs = [u64; 16];
/// A product of two numbers below 2^1024, its lowest limb first.
pub type Wide = [u64; 32];

/// p of parameter set 1 (RFC 6508 appendix A).
pub static PRIME: Limbs = [
    0x666d_807a_fea8_5feb,
    0x80c5_df10_ac7a_ce87,
    0xfce3_e823_8985_7db0,
    0x9f94_d6af_5697_1f1f,
    0xa7cf_3c52_1c3c_09aa,
    0xb6af_f4a8_3185_2a82,
    0x512a_c5cd_6568_1ce1,
    0xe26c_6487_326b_4cd4,
    0x356d_27f4_a666_a6d0,
    0xe791_b39f_f7c8_8a19,
    0x2287_30d5_31a5_9cb0,
    0xf40a_ab27_e2fc_0f1b,
    0xbe9a_e358_b3e0_1a2e,
    0x416c_0ce1_9cb4_8261,
    0x65c6_1198_dad0_657a,
    0x997a_bb1f_0a56_3fda,
];

/// -1 / p modulo 2^64.
static NEGATIVE_INVERSE: u64 = 0x2904_2007_7c8f_2f3d;

/// Whether this processor has the instructions of [`adx`]. The answer is kept by the standard
/// library: one load and one test.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn has_adx() -> bool {
    std::arch::is_x86_feature_detected!("adx") && std::arch::is_x86_feature_detected!("bmi2")
}

/// The same number, of which the compiler no longer knows where it comes from: of a mask, so
/// that it cannot make a branch of it. Unlike `black_box` it stays in a register.
#[inline(always)]
pub fn opaque(number: u64) -> u64 {
    #[cfg(target_arch = "x86_64")]
    {
        let mut number = number;
        // SAFETY: there is no instruction.
        unsafe {
            core::arch::asm!("/* {0} */", inout(reg) number, options(pure, nomem, nostack, preserves_flags));
        }
        number
    }
    #[cfg(not(target_arch = "x86_64"))]
    core::hint::black_box(number)
}

/// Sets `out` to `a * b`.
#[inline]
pub fn mul_wide(out: &mut Wide, a: &Limbs, b: &Limbs) {
    #[cfg(target_arch = "x86_64")]
    if has_adx() {
        // SAFETY: the processor has what the function needs.
        return unsafe { adx::mul_wide(out, a, b) };
    }
    portable::mul_wide(out, a, b);
}

/// Sets `out` to `a * a`.
#[inline]
pub fn sqr_wide(out: &mut Wide, a: &Limbs) {
    #[cfg(target_arch = "x86_64")]
    if has_adx() {
        // SAFETY: the processor has what the function needs.
        return unsafe { adx::sqr_wide(out, a) };
    }
    portable::sqr_wide(out, a);
}

/// Montgomery's reduction: sets `out` to `wide / 2^1024` modulo p, for `wide` below
/// 13/16 2^1024 p. (p is below 13/16 2^1024, so that this holds for products.)
#[inline]
pub fn redc(out: &mut Limbs, wide: &Wide) {
    #[cfg(target_arch = "x86_64")]
    if has_adx() {
        // SAFETY: the processor has what the function needs.
        return unsafe { adx::redc(out, wide) };
    }
    portable::redc(out, wide);
}

/// Sets `out` to `a * b / 2^1024` modulo p, for numbers below p.
#[inline]
pub fn mont_mul(out: &mut Limbs, a: &Limbs, b: &Limbs) {
    let mut wide = [0; 32];
    mul_wide(&mut wide, a, b);
    redc(out, &wide);
}

/// Sets `out` to `a * a / 2^1024` modulo p, for a number below p.
#[inline]
pub fn mont_sqr(out: &mut Limbs, a: &Limbs) {
    let mut wide = [0; 32];
    sqr_wide(&mut wide, a);
    redc(out, &wide);
}
