//! The device flow: a token that a person approves in a browser.

use fallow_protocol::api::{DeviceCode, DevicePoll, DeviceToken, NewDeviceCode};

use super::call::Call;
use super::{Client, ClientError};

impl Client {
    /// `POST /device/code`: begin to ask; needs no token.
    pub async fn device_code(&self, new: &NewDeviceCode) -> Result<DeviceCode, ClientError> {
        self.json(Call::post(&["api", "v1", "device", "code"]).json(new).repeatable()).await
    }

    /// `POST /device/token`: the token, once somebody approved; until then the problem `authorization-pending`.
    pub async fn device_token(&self, device_code: &str) -> Result<DeviceToken, ClientError> {
        let poll = DevicePoll { device_code: device_code.to_owned() };
        self.json(Call::post(&["api", "v1", "device", "token"]).json(&poll)).await
    }
}
