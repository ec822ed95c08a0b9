//! SRTP contexts as Python classes, the bases of `mikey.srtp.Sender` and `mikey.srtp.Receiver`.
//!
//! A packet is protected or checked inside the bytes object that is returned, in one go and
//! without releasing the GIL: releasing takes longer than a packet does.

use crate::errors;
use mikey_core::srtp::{Cipher, Lifetime, MasterKey, Misuse, Profile, Receiver, Rejection, Sender};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::{Mutex, MutexGuard, TryLockError};

/// Encryption (its number in MIKEY's SP payload), octets of the key, of the SRTP tag and of the
/// SRTCP tag, key derivation rate, whether SRTP is encrypted, whether SRTCP is.
type ProfileArguments = (u8, usize, usize, usize, u32, bool, bool);
/// Key, salt, MKI, first and last SRTP index.
type KeyArguments<'py> = (
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Bound<'py, PyBytes>,
    Option<u64>,
    Option<u64>,
);

const NO_ROOM: &str = "the packet is shorter than SRTP's own fields";

/// A one-way SRTP context that protects packets.
#[pyclass(module = "mikey._native", subclass, frozen)]
pub struct SrtpSender {
    state: Mutex<SenderState>,
}

struct SenderState {
    sender: Sender,
    /// Ask for new keys when fewer packets than this remain ...
    margin: u64,
    /// ... once per set of keys.
    asked: bool,
}

#[pymethods]
impl SrtpSender {
    #[new]
    #[pyo3(signature = (profile, keys, ssrc, start, lifetimes, rekey_margin))]
    fn new(
        py: Python<'_>,
        profile: ProfileArguments,
        keys: Vec<KeyArguments<'_>>,
        ssrc: u32,
        start: (u32, u32),
        lifetimes: (u64, u64),
        rekey_margin: u64,
    ) -> PyResult<Self> {
        let make = || {
            let profile = make_profile(profile)?;
            let keys = make_keys(&profile, &keys)?;
            let (roc, srtcp_index) = start;
            let lifetime = make_lifetime(lifetimes);
            Sender::new(profile, keys, ssrc, roc, srtcp_index, lifetime)
        };
        let state = SenderState {
            sender: make().map_err(|misuse| errors::misuse(py, &misuse))?,
            margin: rekey_margin,
            asked: false,
        };
        Ok(Self {
            state: Mutex::new(state),
        })
    }

    /// Protect an RTP packet and return the SRTP packet (RFC 3711 3.3).
    ///
    /// The sequence numbers may come out of order, each once. LocalError if one was sent before,
    /// the SSRC is another one, the octets are no RTP packet, or no master key is left.
    fn protect<'py>(
        slf: &Bound<'py, Self>,
        rtp: &Bound<'py, PyBytes>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let py = slf.py();
        let mut state = Self::ready(slf)?;
        let rtp = rtp.as_bytes();
        let length = rtp.len() + state.sender.rtp_overhead();
        PyBytes::new_with(py, length, |out| {
            let protected = state.sender.protect(rtp, out);
            protected.map_err(|misuse| errors::misuse(py, &misuse))
        })
    }

    /// Protect a compound RTCP packet and return the SRTCP packet (RFC 3711 3.4).
    ///
    /// LocalError as for `protect`; each packet takes the next SRTCP index.
    fn protect_rtcp<'py>(
        slf: &Bound<'py, Self>,
        rtcp: &Bound<'py, PyBytes>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let py = slf.py();
        let mut state = Self::ready(slf)?;
        let rtcp = rtcp.as_bytes();
        let length = rtcp.len() + state.sender.rtcp_overhead();
        PyBytes::new_with(py, length, |out| {
            let protected = state.sender.protect_rtcp(rtcp, out);
            protected.map_err(|misuse| errors::misuse(py, &misuse))
        })
    }

    /// Send under new master keys from the next packet on.
    fn _install(&self, py: Python<'_>, keys: Vec<KeyArguments<'_>>) -> PyResult<()> {
        let mut state = lock(py, &self.state)?;
        let keys = make_keys(state.sender.profile(), &keys);
        keys.and_then(|keys| state.sender.install(keys))
            .map_err(|misuse| errors::misuse(py, &misuse))?;
        state.asked = false;
        Ok(())
    }

    /// The SSRC of all packets.
    #[getter]
    fn ssrc(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(lock(py, &self.state)?.sender.ssrc())
    }

    /// The rollover counter of the highest SRTP packet so far.
    #[getter]
    fn roc(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(lock(py, &self.state)?.sender.roc())
    }

    /// The index that the next SRTCP packet will have.
    #[getter]
    fn srtcp_index(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(lock(py, &self.state)?.sender.rtcp_index())
    }

    /// The number of SRTP packets protected so far.
    #[getter]
    fn packets(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(lock(py, &self.state)?.sender.packets())
    }

    /// SRTP and SRTCP packets that can still be protected without new master keys.
    #[getter]
    fn packets_left(&self, py: Python<'_>) -> PyResult<(u64, u64)> {
        Ok(lock(py, &self.state)?.sender.packets_left())
    }

    fn __sizeof__(&self, py: Python<'_>) -> PyResult<usize> {
        let state = lock(py, &self.state)?;
        Ok(size_of::<Self>() - size_of::<Sender>() + state.sender.memory())
    }
}

impl SrtpSender {
    /// The state, after asking for new keys if they are due. The hook runs before the packet and
    /// outside the lock, so that it may install them at once.
    fn ready<'a>(slf: &'a Bound<'_, Self>) -> PyResult<MutexGuard<'a, SenderState>> {
        let py = slf.py();
        let mut state = lock(py, &slf.get().state)?;
        let (rtp_left, rtcp_left) = state.sender.packets_left();
        if state.asked || rtp_left.min(rtcp_left) >= state.margin {
            return Ok(state);
        }
        state.asked = true;
        drop(state);
        slf.call_method0(intern!(py, "_rekey_needed"))?;
        lock(py, &slf.get().state)
    }
}

/// A one-way SRTP context that checks and decrypts packets.
#[pyclass(module = "mikey._native", subclass, frozen)]
pub struct SrtpReceiver {
    receiver: Mutex<Receiver>,
}

#[pymethods]
impl SrtpReceiver {
    #[new]
    #[pyo3(signature = (profile, keys, ssrc, start, window, lifetimes))]
    fn new(
        py: Python<'_>,
        profile: ProfileArguments,
        keys: Vec<KeyArguments<'_>>,
        ssrc: Option<u32>,
        start: (u32, u16),
        window: u32,
        lifetimes: (u64, u64),
    ) -> PyResult<Self> {
        let make = || {
            let profile = make_profile(profile)?;
            let keys = make_keys(&profile, &keys)?;
            Receiver::new(profile, keys, ssrc, start, window, make_lifetime(lifetimes))
        };
        let receiver = make().map_err(|misuse| errors::misuse(py, &misuse))?;
        Ok(Self {
            receiver: Mutex::new(receiver),
        })
    }

    /// Check an SRTP packet and return the RTP packet (RFC 3711 3.3).
    ///
    /// AuthenticationError for a wrong tag, ReplayError for a packet seen before or older than
    /// the window, DecodeError for octets that are no packet, PolicyError for another SSRC, an
    /// unknown MKI or a master key beyond its life. After an error all is as before.
    fn unprotect<'py>(
        &self,
        py: Python<'py>,
        srtp: &Bound<'py, PyBytes>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut receiver = lock(py, &self.receiver)?;
        let srtp = srtp.as_bytes();
        let Some(length) = receiver.rtp_length(srtp.len()) else {
            let rejection = receiver.reject(Rejection::Malformed(NO_ROOM));
            return Err(errors::rejection(py, rejection));
        };
        PyBytes::new_with(py, length, |out| {
            let checked = receiver.unprotect(srtp, out);
            checked.map_err(|rejection| errors::rejection(py, rejection))
        })
    }

    /// Check an SRTCP packet and return the compound RTCP packet (RFC 3711 3.4).
    ///
    /// Errors as for `unprotect`. Whether the packet is encrypted is said by its E flag.
    fn unprotect_rtcp<'py>(
        &self,
        py: Python<'py>,
        srtcp: &Bound<'py, PyBytes>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut receiver = lock(py, &self.receiver)?;
        let srtcp = srtcp.as_bytes();
        let Some(length) = receiver.rtcp_length(srtcp.len()) else {
            let rejection = receiver.reject(Rejection::Malformed(NO_ROOM));
            return Err(errors::rejection(py, rejection));
        };
        PyBytes::new_with(py, length, |out| {
            let checked = receiver.unprotect_rtcp(srtcp, out);
            checked.map_err(|rejection| errors::rejection(py, rejection))
        })
    }

    /// Accept packets under new master keys too.
    fn _install(&self, py: Python<'_>, keys: Vec<KeyArguments<'_>>) -> PyResult<()> {
        let mut receiver = lock(py, &self.receiver)?;
        let keys = make_keys(receiver.profile(), &keys);
        keys.and_then(|keys| receiver.install(keys))
            .map_err(|misuse| errors::misuse(py, &misuse))
    }

    /// The SSRC of the stream, None until the first authentic packet has told it.
    #[getter]
    fn ssrc(&self, py: Python<'_>) -> PyResult<Option<u32>> {
        Ok(lock(py, &self.receiver)?.ssrc())
    }

    /// The rollover counter of the highest SRTP packet so far.
    #[getter]
    fn roc(&self, py: Python<'_>) -> PyResult<u32> {
        Ok(lock(py, &self.receiver)?.roc())
    }

    /// The number of SRTP and SRTCP packets accepted.
    #[getter]
    fn verified(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(lock(py, &self.receiver)?.verified())
    }

    /// The number of SRTP and SRTCP packets refused.
    #[getter]
    fn rejected(&self, py: Python<'_>) -> PyResult<u64> {
        Ok(lock(py, &self.receiver)?.rejected())
    }

    fn __sizeof__(&self, py: Python<'_>) -> PyResult<usize> {
        let receiver = lock(py, &self.receiver)?;
        Ok(size_of::<Self>() - size_of::<Receiver>() + receiver.memory())
    }
}

/// A context belongs to one thread at a time.
fn lock<'a, T>(py: Python<'_>, mutex: &'a Mutex<T>) -> PyResult<MutexGuard<'a, T>> {
    mutex.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => {
            errors::local(py, "this SRTP context is in use by another thread")
        }
        TryLockError::Poisoned(_) => {
            errors::library(py, "this SRTP context broke down in an earlier call")
        }
    })
}

fn make_profile(arguments: ProfileArguments) -> Result<Profile, Misuse> {
    let (cipher, key_length, rtp_tag, rtcp_tag, rate, encrypts_rtp, encrypts_rtcp) = arguments;
    let cipher = match cipher {
        0 => Cipher::Null,
        1 => Cipher::AesCm,
        2 => Cipher::AesF8,
        6 => Cipher::AesGcm,
        _ => return Err(Misuse("this encryption is not built")),
    };
    let encrypts = (encrypts_rtp, encrypts_rtcp);
    Profile::new(cipher, key_length, (rtp_tag, rtcp_tag), rate, encrypts)
}

fn make_keys(profile: &Profile, keys: &[KeyArguments<'_>]) -> Result<Vec<MasterKey>, Misuse> {
    keys.iter()
        .map(|(key, salt, mki, from, to)| {
            let (key, salt, mki) = (key.as_bytes(), salt.as_bytes(), mki.as_bytes());
            MasterKey::new(profile, key, salt, mki, *from, *to)
        })
        .collect()
}

fn make_lifetime((rtp, rtcp): (u64, u64)) -> Lifetime {
    Lifetime { rtp, rtcp }
}
