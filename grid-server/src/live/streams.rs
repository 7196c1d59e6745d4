//! How many streams are open, by account and by network: each holds a connection for as long as it lasts.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::LiveError;

/// Whose stream it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Account(i64),
    Address(IpAddr),
}

/// Open streams.
#[derive(Debug, Default)]
pub struct Streams(Arc<Mutex<HashMap<Whose, usize>>>);

/// One of them; it is closed when this is dropped.
#[derive(Debug)]
pub struct Open {
    open: Arc<Mutex<HashMap<Whose, usize>>>,
    whose: [Whose; 2],
}

impl Streams {
    /// Open one for an account and an address (of a network: see `api::rate`), with at most so many for each.
    pub fn open(&self, account: i64, address: IpAddr, max: usize) -> Result<Open, LiveError> {
        let whose = [Whose::Account(account), Whose::Address(address)];
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if whose.iter().any(|whose| open.get(whose).is_some_and(|count| *count >= max)) {
            return Err(LiveError::Full);
        }
        whose.iter().for_each(|whose| *open.entry(*whose).or_default() += 1);
        Ok(Open { open: self.0.clone(), whose })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().filter(|(whose, _)| matches!(whose, Whose::Account(_))).map(|(_, count)| count).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        for whose in &self.whose {
            if let Some(count) = open.get_mut(whose) {
                *count -= 1;
            }
        }
        open.retain(|_, count| *count > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_account_and_address_are_counted_and_given_back() {
        let (streams, one, other) = (Streams::default(), IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = streams.open(1, one, 2).unwrap();
        let second = streams.open(1, other, 2).unwrap();
        assert!(streams.open(1, IpAddr::from([192, 0, 2, 3]), 2).is_err());
        let third = streams.open(2, one, 2).unwrap();
        assert!(streams.open(3, one, 2).is_err());
        assert_eq!(streams.len(), 3);
        drop(first);
        assert!(streams.open(1, one, 2).is_ok());
        drop((second, third));
        assert!(streams.is_empty() && streams.0.lock().unwrap().is_empty());
    }
}
