//! Does nothing: its input is its output. What a unit costs beside its work is measured with it.

/// The input.
pub fn echo(input: Vec<u8>) -> fallow::Result<Vec<u8>> {
    Ok(input)
}

fallow::task!(run = echo);

#[cfg(test)]
mod tests {
    #[test]
    fn the_input_is_the_output() {
        assert_eq!(fallow::testing::run(super::echo, b"abc").unwrap(), b"abc");
    }
}
