//! Exponentiation in the Diffie-Hellman groups as functions over bytes, with the GIL released.

use mikey_core::modp::{Oakley, WrongLength};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use zeroize::Zeroizing;

fn group_of(number: u8) -> PyResult<Oakley> {
    Oakley::from_wire(number).ok_or_else(|| PyValueError::new_err("unknown DH group"))
}

fn wrong_length(_: WrongLength) -> PyErr {
    PyValueError::new_err("a number has not the length of its group")
}

/// The modulus of a DH-Group, as numbered on the wire.
#[pyfunction]
pub fn modp_modulus(py: Python<'_>, group: u8) -> PyResult<Bound<'_, PyBytes>> {
    Ok(PyBytes::new(py, &group_of(group)?.modulus()))
}

/// 2 to the exponent, which has 32 octets.
#[pyfunction]
pub fn modp_generate<'py>(
    py: Python<'py>,
    group: u8,
    exponent: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let group = group_of(group)?;
    let exponent = exponent
        .try_into()
        .map_err(|_| PyValueError::new_err("an exponent of the generator has 32 octets"))?;
    let mut out = Zeroizing::new(vec![0; group.length()]);
    py.detach(|| group.generate(exponent, &mut out))
        .map_err(wrong_length)?;
    Ok(PyBytes::new(py, &out))
}

/// Base to the exponent; the base has the length of the modulus, the exponent any.
#[pyfunction]
pub fn modp_power<'py>(
    py: Python<'py>,
    group: u8,
    base: &[u8],
    exponent: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let group = group_of(group)?;
    let mut out = Zeroizing::new(vec![0; group.length()]);
    py.detach(|| group.power(base, exponent, &mut out))
        .map_err(wrong_length)?;
    Ok(PyBytes::new(py, &out))
}
