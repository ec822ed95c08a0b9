//! The PRF as a function over bytes.

use mikey_core::prf::{prf as fill, PrfHash};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Derives `length` octets; `func` is the value on the wire (0 MIKEY-1, 1 PRF-HMAC-SHA-256).
#[pyfunction]
pub fn prf<'py>(
    py: Python<'py>,
    func: u8,
    inkey: &[u8],
    label: &[u8],
    length: usize,
) -> PyResult<Bound<'py, PyBytes>> {
    let hash = match func {
        0 => PrfHash::Sha1,
        1 => PrfHash::Sha256,
        _ => return Err(PyValueError::new_err("unknown PRF")),
    };
    PyBytes::new_with(py, length, |out| {
        fill(hash, inkey, label, out);
        Ok(())
    })
}
