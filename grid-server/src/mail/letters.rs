//! What mails say: plain and short. Nothing in them was chosen by the one who asked, so that nobody can send his own
//! words through the grid.

use lettre::Address;

use super::Mail;

/// An address of a person, and the form in which addresses are compared. None where it is no address of mail.
pub fn address(text: &str) -> Option<(Address, String)> {
    const BYTES_MAX: usize = 254;
    let text = text.trim();
    let plain = text.len() <= BYTES_MAX && text.is_ascii() && !text.contains(|c: char| c.is_control() || c == ' ');
    let address: Address = plain.then(|| text.parse().ok()).flatten()?;
    let key = address.to_string().to_ascii_lowercase();
    Some((address, key))
}

fn mail(to: Address, grid: &str, subject: &str, lines: &[&str]) -> Mail {
    let subject = format!("{subject} - {grid}");
    Mail { to, subject, text: format!("{}\n", lines.join("\n")) }
}

/// Somebody registered with this address.
pub fn confirm(to: Address, grid: &str, url: &str, token: &str) -> Mail {
    let link = format!("{url}/confirm?token={token}");
    let lines = [
        "Somebody, most likely you, registered on this grid with your address.",
        "Follow this link within a day to make the account:",
        "",
        &link,
        "",
        "If it was not you, do nothing: without the link there is no account.",
    ];
    mail(to, grid, "Confirm your account", &lines)
}

/// Somebody registered with an address that has an account.
pub fn known(to: Address, grid: &str, url: &str) -> Mail {
    let (login, forgot) = (format!("{url}/login"), format!("{url}/forgot"));
    let lines = [
        "Somebody, most likely you, registered on this grid with your address, which has an account already.",
        "Log in with it:",
        "",
        &login,
        "",
        "If you do not know its password any more:",
        "",
        &forgot,
        "",
        "If it was not you, do nothing: nothing was changed.",
    ];
    mail(to, grid, "You have an account", &lines)
}

/// Somebody forgot the password.
pub fn reset(to: Address, grid: &str, url: &str, token: &str) -> Mail {
    let link = format!("{url}/reset?token={token}");
    let lines = [
        "Somebody, most likely you, asked for a new password.",
        "Choose it with this link within an hour:",
        "",
        &link,
        "",
        "If it was not you, do nothing: your password stays as it is.",
    ];
    mail(to, grid, "Choose a new password", &lines)
}

/// An account is to have this address.
pub fn email(to: Address, grid: &str, url: &str, token: &str) -> Mail {
    let link = format!("{url}/confirm?token={token}");
    let lines = [
        "Somebody, most likely you, gave an account of this grid your address.",
        "Follow this link within a day to confirm that it is yours:",
        "",
        &link,
        "",
        "If it was not you, do nothing.",
    ];
    mail(to, grid, "Confirm your address", &lines)
}

/// Something about the account's safety changed; `what` is our own sentence.
pub fn changed(to: Address, grid: &str, url: &str, what: &str) -> Mail {
    let forgot = format!("{url}/forgot");
    let lines = [what, "", "If it was not you, choose a new password at once:", "", &forgot];
    mail(to, grid, "Your account was changed", &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_one_line_of_ascii() {
        let key = |text: &str| address(text).map(|(_, key)| key);
        assert_eq!(key(" Ann@Example.org "), Some("ann@example.org".into()));
        let long = format!("{}@example.org", "x".repeat(300));
        for wrong in [
            "",
            "ann",
            "ann@",
            "@example.org",
            "a b@example.org",
            "ann@example.org\r\nBcc: x@y.z",
            "änn@example.org",
            "Ann <ann@example.org>",
            &long,
        ] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
    }
}
