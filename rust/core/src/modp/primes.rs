//! The three groups of RFC 3830 6.4: safe primes of RFC 2412 appendix E, with generator 2.
//!
//! Bits    | Modulus
//! ------- | -------
//! 768     | 2^768 - 2^704 - 1 + 2^64 * (floor(2^638 * pi) + 149686)
//! 1024    | 2^1024 - 2^960 - 1 + 2^64 * (floor(2^894 * pi) + 129093)
//! 1536    | 2^1536 - 2^1472 - 1 + 2^64 * (floor(2^1406 * pi) + 741804)
//!
//! In all of them the lowest and the highest limb have no bit clear, on which `montgomery` builds.

/// 768 bits, the least significant limb first.
pub(super) const OAKLEY_1: [u64; 12] = [
    0xffff_ffff_ffff_ffff,
    0xf44c_42e9_a63a_3620,
    0xe485_b576_625e_7ec6,
    0x4fe1_356d_6d51_c245,
    0x302b_0a6d_f25f_1437,
    0xef95_19b3_cd3a_431b,
    0x514a_0879_8e34_04dd,
    0x020b_bea6_3b13_9b22,
    0x2902_4e08_8a67_cc74,
    0xc4c6_628b_80dc_1cd1,
    0xc90f_daa2_2168_c234,
    0xffff_ffff_ffff_ffff,
];

/// 1024 bits, the least significant limb first.
pub(super) const OAKLEY_2: [u64; 16] = [
    0xffff_ffff_ffff_ffff,
    0x4928_6651_ece6_5381,
    0xae9f_2411_7c4b_1fe6,
    0xee38_6bfb_5a89_9fa5,
    0x0bff_5cb6_f406_b7ed,
    0xf44c_42e9_a637_ed6b,
    0xe485_b576_625e_7ec6,
    0x4fe1_356d_6d51_c245,
    0x302b_0a6d_f25f_1437,
    0xef95_19b3_cd3a_431b,
    0x514a_0879_8e34_04dd,
    0x020b_bea6_3b13_9b22,
    0x2902_4e08_8a67_cc74,
    0xc4c6_628b_80dc_1cd1,
    0xc90f_daa2_2168_c234,
    0xffff_ffff_ffff_ffff,
];

/// 1536 bits, the least significant limb first.
pub(super) const OAKLEY_5: [u64; 24] = [
    0xffff_ffff_ffff_ffff,
    0xf174_6c08_ca23_7327,
    0x670c_354e_4abc_9804,
    0x9ed5_2907_7096_966d,
    0x1c62_f356_2085_52bb,
    0x8365_5d23_dca3_ad96,
    0x6916_3fa8_fd24_cf5f,
    0x98da_4836_1c55_d39a,
    0xc200_7cb8_a163_bf05,
    0x4928_6651_ece4_5b3d,
    0xae9f_2411_7c4b_1fe6,
    0xee38_6bfb_5a89_9fa5,
    0x0bff_5cb6_f406_b7ed,
    0xf44c_42e9_a637_ed6b,
    0xe485_b576_625e_7ec6,
    0x4fe1_356d_6d51_c245,
    0x302b_0a6d_f25f_1437,
    0xef95_19b3_cd3a_431b,
    0x514a_0879_8e34_04dd,
    0x020b_bea6_3b13_9b22,
    0x2902_4e08_8a67_cc74,
    0xc4c6_628b_80dc_1cd1,
    0xc90f_daa2_2168_c234,
    0xffff_ffff_ffff_ffff,
];
