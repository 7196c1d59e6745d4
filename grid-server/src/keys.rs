//! Stub until the API's branch is merged: the grid's keys.
use fallow_protocol::keys::OnlineCert;
#[derive(Clone, Debug)]
pub struct GridKeys {}
impl GridKeys {
    pub fn cert(&self) -> OnlineCert {
        unreachable!()
    }
}
