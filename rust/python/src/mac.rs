//! The MACs as a function over bytes.

use mikey_core::mac::{hmac_sha1, hmac_sha256};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// Returns the MAC of `octets`; `alg` is the value on the wire (1 SHA-1, 2 SHA-256).
#[pyfunction]
pub fn mac<'py>(
    py: Python<'py>,
    alg: u8,
    key: &[u8],
    octets: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    match alg {
        1 => Ok(PyBytes::new(py, &hmac_sha1(key, octets))),
        2 => Ok(PyBytes::new(py, &hmac_sha256(key, octets))),
        _ => Err(PyValueError::new_err("unknown MAC")),
    }
}
