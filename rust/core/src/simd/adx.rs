//! The product, the square and the reduction of 1024-bit numbers with `mulx`, `adcx` and `adox`.
//!
//! A row of eight limbs stays in registers. Its products with one limb are added by two carry
//! chains at a time: CF takes the high halves along, OF the low ones. What a row leaves at its
//! lowest position is complete and goes to memory; the register that is free then becomes the
//! highest position, and the next row begins one position higher.
//!
//! Sums that cannot overflow: eight limbs (below 2^512), plus one limb that comes in at the
//! lowest position, plus eight limbs times one limb is at most
//! (2^512 - 1) + (2^64 - 1) + (2^512 - 1)(2^64 - 1) = 2^576 - 1, nine limbs. So both chains of a
//! row end without a carry.
//!
//! No branch and no address depends on a number. The functions are naked, because the compiler
//! keeps rbx and rbp from inline assembly, and because their registers are those of the System V
//! convention everywhere.

use super::{Limbs, Wide, NEGATIVE_INVERSE, PRIME};
use core::arch::naked_asm;

/// The rows as macros of the assembler, between `prologue` and `epilogue` of a function.
macro_rules! rows {
    ($($body:literal),* $(,)?) => {
        concat!(
            // One product: the high half of the one before waits in rcx.
            ".macro step from, high, r\n",
            "adcx \\r, rcx\n",
            "mulx \\high, rax, [\\from]\n",
            "adox \\r, rax\n",
            ".endm\n",
            // Products of rdx with limb after limb from `at` on, a register for each; the high half
            // of the last goes to `top`, the highest position, which takes both carries. rbx = 0.
            ".macro chain at, top, r, others:vararg\n",
            ".ifb \\others\n",
            "step \\at, \\top, \\r\n",
            "adcx \\top, rbx\n",
            "adox \\top, rbx\n",
            ".else\n",
            "step \\at, rcx, \\r\n",
            "chain \\at+8, \\top, \\others\n",
            ".endif\n",
            ".endm\n",
            // Adds the product of the eight limbs at `from` with the limb at `by`.
            ".macro row from, by, in, out, r0, others:vararg\n",
            "mov rdx, [\\by]\n",
            "xor eax, eax\n",
            "mulx rcx, rax, [\\from]\n",
            "adox \\r0, rax\n",
            "mov [\\out], \\r0\n",
            "chain \\from+8, \\r0, \\others\n",
            ".endm\n",
            // The same, and the limb at `in`.
            ".macro row_in from, by, in, out, r0, others:vararg\n",
            "mov rdx, [\\by]\n",
            "xor eax, eax\n",
            "mulx rcx, rax, [\\from]\n",
            "adcx \\r0, [\\in]\n",
            "adox \\r0, rax\n",
            "mov [\\out], \\r0\n",
            "chain \\from+8, \\r0, \\others\n",
            ".endm\n",
            // Adds that multiple of the limbs at `from`, one for each register, which makes the
            // lowest position zero; -1 / [from] is at `by`, the multiplier goes to `out`.
            ".macro row_zero from, by, out, r0, others:vararg\n",
            "mov rdx, \\r0\n",
            "mulx rcx, rdx, [\\by]\n",
            "mov [\\out], rdx\n",
            "xor eax, eax\n",
            "mulx rcx, rax, [\\from]\n",
            "adox \\r0, rax\n",
            "chain \\from+8, \\r0, \\others\n",
            ".endm\n",
            // Eight rows, one position higher each; `next` is how far `by` moves.
            ".macro eight row, from, by, next, in, out\n",
            "\\row \\from, \\by, \\in, \\out, r8, r9, r10, r11, r12, r13, r14, r15\n",
            "\\row \\from, \\by+\\next, \\in+8, \\out+8, r9, r10, r11, r12, r13, r14, r15, r8\n",
            "\\row \\from, \\by+2*\\next, \\in+16, \\out+16, r10, r11, r12, r13, r14, r15, r8, r9\n",
            "\\row \\from, \\by+3*\\next, \\in+24, \\out+24, r11, r12, r13, r14, r15, r8, r9, r10\n",
            "\\row \\from, \\by+4*\\next, \\in+32, \\out+32, r12, r13, r14, r15, r8, r9, r10, r11\n",
            "\\row \\from, \\by+5*\\next, \\in+40, \\out+40, r13, r14, r15, r8, r9, r10, r11, r12\n",
            "\\row \\from, \\by+6*\\next, \\in+48, \\out+48, r14, r15, r8, r9, r10, r11, r12, r13\n",
            "\\row \\from, \\by+7*\\next, \\in+56, \\out+56, r15, r8, r9, r10, r11, r12, r13, r14\n",
            ".endm\n",
            // The first seven of eight rows whose lowest register is r9.
            ".macro seven row, from, by, in, out\n",
            "\\row \\from, \\by, \\in, \\out, r9, r10, r11, r12, r13, r14, r15, r8\n",
            "\\row \\from, \\by+8, \\in+8, \\out+8, r10, r11, r12, r13, r14, r15, r8, r9\n",
            "\\row \\from, \\by+16, \\in+16, \\out+16, r11, r12, r13, r14, r15, r8, r9, r10\n",
            "\\row \\from, \\by+24, \\in+24, \\out+24, r12, r13, r14, r15, r8, r9, r10, r11\n",
            "\\row \\from, \\by+32, \\in+32, \\out+32, r13, r14, r15, r8, r9, r10, r11, r12\n",
            "\\row \\from, \\by+40, \\in+40, \\out+40, r14, r15, r8, r9, r10, r11, r12, r13\n",
            "\\row \\from, \\by+48, \\in+48, \\out+48, r15, r8, r9, r10, r11, r12, r13, r14\n",
            ".endm\n",
            // The product of the limb at `by` with those that follow it, which begins at `r`.
            ".macro mixed by, top, r, others:vararg\n",
            "mov rdx, [\\by]\n",
            "xor eax, eax\n",
            "mulx rcx, rax, [\\by+8]\n",
            "adox \\r, rax\n",
            "chain \\by+16, \\top, \\others\n",
            ".endm\n",
            // Adds the products of all pairs among the eight limbs at `from`. Position n is the
            // register r8 + n mod 8; row k begins at position 2k + 1 and ends at k + 8.
            ".macro mixed_rows from, out\n",
            "mov [\\out], r8\n",
            "mixed \\from, r8, r9, r10, r11, r12, r13, r14, r15\n",
            "mov [\\out+8], r9\n",
            "mov [\\out+16], r10\n",
            "mixed \\from+8, r9, r11, r12, r13, r14, r15, r8\n",
            "mov [\\out+24], r11\n",
            "mov [\\out+32], r12\n",
            "mixed \\from+16, r10, r13, r14, r15, r8, r9\n",
            "mov [\\out+40], r13\n",
            "mov [\\out+48], r14\n",
            "mixed \\from+24, r11, r15, r8, r9, r10\n",
            "mov [\\out+56], r15\n",
            "mov [\\out+64], r8\n",
            "mixed \\from+32, r12, r9, r10, r11\n",
            "mov [\\out+72], r9\n",
            "mov [\\out+80], r10\n",
            "mixed \\from+40, r13, r11, r12\n",
            "mov [\\out+88], r11\n",
            "mov [\\out+96], r12\n",
            "mov rdx, [\\from+48]\n",
            "mulx r14, rax, [\\from+56]\n",
            "add r13, rax\n",
            "adc r14, 0\n",
            "mov [\\out+104], r13\n",
            "mov [\\out+112], r14\n",
            "mov qword ptr [\\out+120], 0\n",
            ".endm\n",
            // `op` for each register with a limb from memory.
            ".macro each first, op, at\n",
            "\\first r8, [\\at]\n",
            "\\op r9, [\\at+8]\n",
            "\\op r10, [\\at+16]\n",
            "\\op r11, [\\at+24]\n",
            "\\op r12, [\\at+32]\n",
            "\\op r13, [\\at+40]\n",
            "\\op r14, [\\at+48]\n",
            "\\op r15, [\\at+56]\n",
            ".endm\n",
            ".macro store at\n",
            "mov [\\at], r8\n",
            "mov [\\at+8], r9\n",
            "mov [\\at+16], r10\n",
            "mov [\\at+24], r11\n",
            "mov [\\at+32], r12\n",
            "mov [\\at+40], r13\n",
            "mov [\\at+48], r14\n",
            "mov [\\at+56], r15\n",
            ".endm\n",
            ".macro clear\n",
            ".irp r, ebx, r8d, r9d, r10d, r11d, r12d, r13d, r14d, r15d\n",
            "xor \\r, \\r\n",
            ".endr\n",
            ".endm\n",
            ".macro save\n",
            ".irp r, rbx, rbp, r12, r13, r14, r15\n",
            "push \\r\n",
            ".endr\n",
            ".endm\n",
            ".macro restore\n",
            ".irp r, r15, r14, r13, r12, rbp, rbx\n",
            "pop \\r\n",
            ".endr\n",
            ".endm\n",
            "save\n",
            $($body, "\n",)*
            "restore\n",
            "ret\n",
            ".irp name, step, chain, row, row_in, row_zero, eight, seven, mixed, mixed_rows, each, store, clear, save, restore\n",
            ".purgem \\name\n",
            ".endr\n",
        )
    };
}

/// Sets `out` to `a * b`.
///
/// # Safety
/// The processor has BMI2 and ADX.
// SAFETY: follows the calling convention (saves rbx, rbp, r12 to r15), touches no memory but
// the three arrays and the six saved registers, and leaves the direction flag alone.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn mul_wide(out: &mut Wide, a: &Limbs, b: &Limbs) {
    // rdi = out, rsi = a, rbp = b.
    naked_asm!(rows!(
        "mov rbp, rdx",
        "clear",
        "eight row, rsi, rbp, 8, 0, rdi",
        "eight row, rsi, rbp+64, 8, 0, rdi+64",
        "store rdi+128",
        "clear",
        "eight row_in, rsi+64, rbp, 8, rdi+64, rdi+64",
        "eight row_in, rsi+64, rbp+64, 8, rdi+128, rdi+128",
        "store rdi+192",
    ))
}

/// Sets `out` to `a * a`.
///
/// # Safety
/// The processor has BMI2 and ADX.
// SAFETY: follows the calling convention (saves rbx, rbp, r12 to r15), touches no memory but
// the two arrays and the six saved registers, and leaves the direction flag alone.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn sqr_wide(out: &mut Wide, a: &Limbs) {
    // rdi = out, rsi = a. First the products of unlike limbs: those among the low half, of both
    // halves, among the high half. Then twice that (CF's chain), and the squares (OF's).
    naked_asm!(rows!(
        "clear",
        "mixed_rows rsi, rdi",
        "clear",
        "eight row_in, rsi+64, rsi, 8, rdi+64, rdi+64",
        "mixed_rows rsi+64, rdi+128",
        "xor eax, eax",
        ".irp i, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
        "mov rdx, [rsi+8*\\i]",
        "mov r8, [rdi+16*\\i]",
        "mov r9, [rdi+16*\\i+8]",
        "mulx rcx, rax, rdx",
        "adcx r8, r8",
        "adox r8, rax",
        "adcx r9, r9",
        "adox r9, rcx",
        "mov [rdi+16*\\i], r8",
        "mov [rdi+16*\\i+8], r9",
        ".endr",
    ))
}

/// (p NEGATIVE_INVERSE + 1) / 2^64. The multiple of p has the lowest limb -1, so that to make the
/// limb t of a number zero, t times it is to be added, which is t times this one limb higher up.
static MULTIPLE: Limbs = {
    let (mut out, mut carry, mut i) = ([0; 16], 0, 0);
    while i < 16 {
        let sum = PRIME[i] as u128 * NEGATIVE_INVERSE as u128 + carry;
        if i > 0 {
            out[i - 1] = sum as u64;
        }
        // The lowest limb becomes zero by the 1.
        carry = (sum >> 64) + (i == 0) as u128;
        i += 1;
    }
    out[15] = carry as u64;
    out
};

/// Sets `out` to `wide / 2^1024` modulo p, as [`super::redc`] says.
///
/// # Safety
/// The processor has BMI2 and ADX.
// SAFETY: follows the calling convention (saves rbx, rbp, r12 to r15), touches no memory but
// the two arrays, three constants and what it takes of the stack: six registers and 208 octets.
#[unsafe(naked)]
pub(super) unsafe extern "sysv64" fn redc(out: &mut Limbs, wide: &Wide) {
    // rdi = out, rsi = wide. Limbs 0 to 14 are made zero by MULTIPLE, and are the multipliers of
    // it; limb 15 by p. At rsp: limb n at 8 n, up to limb 24, or the multiplier when it is known;
    // above them the carry out of limb 24.
    // NEGATIVE_INVERSE is below 0.161 2^64, so that what is added in all is below
    // 2^960 (0.161 2^64 p) + 2^1024 p, and the sum divided by 2^1024 below (13/16 + 1.161) p:
    // one subtraction of p is enough.
    naked_asm!(
        rows!(
            "sub rsp, 208",
            "xor ebx, ebx",
            "mov rax, [rsi]",
            "mov [rsp], rax",
            // Limbs 0 to 7 times the low and the high half of MULTIPLE, at limbs 1 to 16 and
            // 9 to 24.
            "each mov, mov, rsi+8",
            "eight row, rip+{multiple}, rsp, 8, 0, rsp+8",
            "eight row_in, rip+{multiple}+64, rsp, 8, rsi+72, rsp+72",
            "each add, adc, rsi+136",
            "store rsp+136",
            "sbb rax, rax",
            "mov [rsp+200], rax",
            // Limbs 8 to 14 times the low half, at limbs 9 to 23: limb 9 is in r9, limb 16 in r8.
            "each mov, mov, rsp+64",
            "mov r8, [rsp+128]",
            "seven row, rip+{multiple}, rsp+64, 0, rsp+72",
            // Limb 15, times the low nine limbs of p: what was limb 24 is in rbp.
            "mov rbp, [rsp+120]",
            "row_zero rip+{prime}, rip+{inverse}, rsp+120, rbp, r8, r9, r10, r11, r12, r13, r14, r15",
            "mov [rdi], r8",
            "mov r8, rbp",
            // Limbs 8 to 14 times the high half, at limbs 17 to 31: limb 17 is in r9.
            "seven row_in, rip+{multiple}+64, rsp+64, rsp+136, rdi+8",
            // Limb 15 times the high seven limbs of p, at limbs 24 to 31. Nothing leaves limb 31:
            // all that was added and limbs 0 to 24 of `wide` are below 2^2048.
            "mov rdx, [rsp+120]",
            "xor eax, eax",
            "mulx rcx, rax, [rip+{prime}+72]",
            "adcx r8, [rsp+192]",
            "adox r8, rax",
            "step rip+{prime}+80, rcx, r9",
            "step rip+{prime}+88, rcx, r10",
            "step rip+{prime}+96, rcx, r11",
            "step rip+{prime}+104, rcx, r12",
            "step rip+{prime}+112, rcx, r13",
            "step rip+{prime}+120, rcx, r14",
            "adcx r15, rcx",
            "adox r15, rbx",
            // The carry out of limb 24 back into CF.
            "mov rax, [rsp+200]",
            "add rax, rax",
            ".irp n, 9, 10, 11, 12, 13, 14, 15",
            "adc r\\n, [rsi+128+8*\\n]",
            ".endr",
            "sbb rax, rax",
            "store rdi+64",
            // The sum, with its carry in rax, less p: below zero if CF is set at the end.
            "lea rbp, [rip+{prime}]",
            "each mov, mov, rdi",
            "each sub, sbb, rbp",
            "store rsp",
            "each mov, mov, rdi+64",
            "each sbb, sbb, rbp+64",
            "adc rax, 0",
            "each cmovne, cmovne, rdi+64",
            "store rdi+64",
            "each mov, mov, rsp",
            "each cmovne, cmovne, rdi",
            "store rdi",
            "add rsp, 208",
        ),
        multiple = sym MULTIPLE,
        prime = sym PRIME,
        inverse = sym NEGATIVE_INVERSE,
    )
}
