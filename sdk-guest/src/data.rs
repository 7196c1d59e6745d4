//! Types at the boundary: the host carries bytes, tasks take and give values.

use crate::{Error, Result};

/// A value that can be read from a unit's input, from a part, or from a checkpoint.
pub trait FromInput: Sized {
    /// Decode. The error is the unit's error.
    fn from_input(bytes: Vec<u8>) -> Result<Self>;
}

/// A value that can become a unit's input, an output, or a checkpoint.
pub trait IntoOutput {
    /// Encode.
    fn into_output(self) -> Result<Vec<u8>>;
}

impl FromInput for Vec<u8> {
    fn from_input(bytes: Vec<u8>) -> Result<Self> {
        Ok(bytes)
    }
}

impl FromInput for String {
    fn from_input(bytes: Vec<u8>) -> Result<Self> {
        String::from_utf8(bytes)
            .map_err(|error| Error::new(format!("input is not UTF-8 text: byte {}", error.utf8_error().valid_up_to())))
    }
}

impl FromInput for () {
    fn from_input(_bytes: Vec<u8>) -> Result<Self> {
        Ok(())
    }
}

impl IntoOutput for Vec<u8> {
    fn into_output(self) -> Result<Vec<u8>> {
        Ok(self)
    }
}

impl IntoOutput for &[u8] {
    fn into_output(self) -> Result<Vec<u8>> {
        Ok(self.to_vec())
    }
}

impl<const N: usize> IntoOutput for &[u8; N] {
    fn into_output(self) -> Result<Vec<u8>> {
        Ok(self.to_vec())
    }
}

impl IntoOutput for String {
    fn into_output(self) -> Result<Vec<u8>> {
        Ok(self.into_bytes())
    }
}

impl IntoOutput for &str {
    fn into_output(self) -> Result<Vec<u8>> {
        Ok(self.as_bytes().to_vec())
    }
}

impl IntoOutput for () {
    fn into_output(self) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

/// What a `merge` gives that keeps another form between the levels of its tree than in the end.
///
/// Give [`Merged::Part`] while `last` is false, and [`Merged::Result`] when it is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged<P, R> {
    /// Will be a part of another merge.
    Part(P),
    /// Is the job's result.
    Result(R),
}

impl<P: IntoOutput, R: IntoOutput> IntoOutput for Merged<P, R> {
    fn into_output(self) -> Result<Vec<u8>> {
        match self {
            Merged::Part(part) => part.into_output(),
            Merged::Result(result) => result.into_output(),
        }
    }
}

/// A value as JSON text: for inputs that people write and outputs that people read.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

#[cfg(feature = "json")]
impl<T: serde::de::DeserializeOwned> FromInput for Json<T> {
    fn from_input(bytes: Vec<u8>) -> Result<Self> {
        serde_json::from_slice(&bytes)
            .map(Json)
            .map_err(|error| Error::from(error).at("input is not the JSON expected"))
    }
}

#[cfg(feature = "json")]
impl<T: serde::Serialize> IntoOutput for Json<T> {
    fn into_output(self) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&self.0)?)
    }
}

/// A value in postcard's compact binary form: for what only tasks of the same version read, as parts and checkpoints.
#[cfg(feature = "postcard")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Postcard<T>(pub T);

#[cfg(feature = "postcard")]
impl<T: serde::de::DeserializeOwned> FromInput for Postcard<T> {
    fn from_input(bytes: Vec<u8>) -> Result<Self> {
        postcard::from_bytes(&bytes).map(Postcard).map_err(|error| Error::from(error).at("input is not as expected"))
    }
}

#[cfg(feature = "postcard")]
impl<T: serde::Serialize> IntoOutput for Postcard<T> {
    fn into_output(self) -> Result<Vec<u8>> {
        Ok(postcard::to_allocvec(&self.0)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_boundary() {
        let value = (7u32, "seven".to_owned(), vec![1.5f64, -0.0]);
        let Json(json) = Json::<(u32, String, Vec<f64>)>::from_input(Json(&value).into_output().unwrap()).unwrap();
        let Postcard(card) =
            Postcard::<(u32, String, Vec<f64>)>::from_input(Postcard(&value).into_output().unwrap()).unwrap();
        assert_eq!(json, value);
        assert_eq!(card, value);
        assert_eq!(Merged::<Vec<u8>, &str>::Result("r").into_output().unwrap(), b"r");
    }

    #[test]
    fn what_cannot_be_read_says_where() {
        assert_eq!(String::from_input(b"ab\xff".to_vec()).unwrap_err().to_string(), "input is not UTF-8 text: byte 2");
        let error = Json::<Vec<u32>>::from_input(b"[1,\n\"x\"]".to_vec()).unwrap_err().to_string();
        assert!(error.starts_with("input is not the JSON expected: invalid type: string"), "{error}");
        assert!(error.contains("line 2"), "{error}");
        assert!(Postcard::<String>::from_input(vec![200]).is_err());
    }
}
