//! The AES block in its three key sizes, encrypt direction only; the schedule is made once.

use aes::cipher::{BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipherCore};
use aes::{Aes128Enc, Aes192Enc, Aes256Enc, Block};
use ctr::{flavors::Ctr128BE, CtrCore};

/// AES with a key of 16, 24 or 32 octets.
pub enum Aes {
    Aes128(Aes128Enc),
    Aes192(Aes192Enc),
    Aes256(Aes256Enc),
}

impl Aes {
    /// # Panics
    /// If the key has no length of AES; [`Profile`](crate::srtp::Profile) sees to that.
    pub fn new(key: &[u8]) -> Self {
        const LENGTH: &str = "an AES key has 16, 24 or 32 octets";
        match key.len() {
            16 => Self::Aes128(Aes128Enc::new_from_slice(key).expect(LENGTH)),
            24 => Self::Aes192(Aes192Enc::new_from_slice(key).expect(LENGTH)),
            _ => Self::Aes256(Aes256Enc::new_from_slice(key).expect(LENGTH)),
        }
    }

    /// E(k, x).
    pub fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = Block::from(block);
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(&mut block),
            Self::Aes192(cipher) => cipher.encrypt_block(&mut block),
            Self::Aes256(cipher) => cipher.encrypt_block(&mut block),
        }
        block.into()
    }

    /// XOR the keystream E(k, iv) || E(k, iv + 1) || ... onto `data`, several blocks at a time.
    pub fn apply_counter(&self, iv: [u8; 16], data: &mut [u8]) {
        match self {
            Self::Aes128(cipher) => apply(cipher, iv, data),
            Self::Aes192(cipher) => apply(cipher, iv, data),
            Self::Aes256(cipher) => apply(cipher, iv, data),
        }
    }
}

fn apply<C>(cipher: &C, iv: [u8; 16], data: &mut [u8])
where
    C: BlockCipherEncrypt + aes::cipher::BlockSizeUser<BlockSize = aes::cipher::consts::U16>,
{
    let core: CtrCore<&C, Ctr128BE> = CtrCore::inner_iv_init(cipher, &Block::from(iv));
    core.apply_keystream_partial(data.into());
}
