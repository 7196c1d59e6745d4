//! Mails: a bounded queue that no request waits for, and the task that delivers it, by SMTP or into a folder.
//!
//! The queue is in memory only: whoever misses a mail asks for another.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox};
use lettre::{Address, AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Config;

pub mod letters;

/// Mails that wait for delivery; more are dropped.
const QUEUE_MAX: usize = 1_000;
/// Mails in the folder; of more the oldest go.
const OUTBOX_MAX: usize = 1_000;
/// Waits between tries; after the last the mail is dropped.
const WAITS: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(1_800),
];
/// Longest that one try may take.
const TRY: Duration = Duration::from_secs(30);
/// Mails that are queued when the server stops get so long together.
const FAREWELL: Duration = Duration::from_secs(5);

/// A mail in plain text.
#[derive(Clone)]
pub struct Mail {
    /// To whom.
    pub to: Address,
    /// Subject.
    pub subject: String,
    /// Text. May hold secrets: never printed.
    pub text: String,
}

/// Where mails are handed in.
#[derive(Clone, Debug)]
pub struct Mailer(mpsc::Sender<Mail>);

impl Mailer {
    /// Mails that wait to be looked at; and whether anybody looks.
    pub fn waiting(&self) -> (usize, bool) {
        (QUEUE_MAX - self.0.capacity().min(QUEUE_MAX), !self.0.is_closed())
    }

    /// Hand a mail in; where too many wait it is dropped, and the log says so.
    pub fn send(&self, mail: Mail) {
        if self.0.try_send(mail).is_err() {
            tracing::warn!("a mail was dropped: {QUEUE_MAX} wait already, or the server stops");
        }
    }
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Outbox(AsyncFileTransport<Tokio1Executor>, PathBuf),
}

struct Late {
    mail: Mail,
    tries: usize,
    due: Instant,
}

/// Who delivers.
pub struct Post {
    waiting: mpsc::Receiver<Mail>,
    late: VecDeque<Late>,
    from: Mailbox,
    way: Way,
}

/// The queue and its other end, as the settings say.
pub fn open(config: &Config) -> anyhow::Result<(Mailer, Post)> {
    let way = match &config.mail.smtp_url {
        // The cause may quote the address, which holds a password.
        Some(url) => {
            let built = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose()).ok();
            let built = built.context("mail.smtp_url is not like smtps://USER:PASSWORD@HOST")?;
            Way::Smtp(built.timeout(Some(TRY)).build())
        }
        None => {
            let folder = config.data.join("outbox");
            make_private(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
            Way::Outbox(AsyncFileTransport::new(&folder), folder)
        }
    };
    let from = config.mail.from.parse().context("mail.from is no address")?;
    let (sender, waiting) = mpsc::channel(QUEUE_MAX);
    Ok((Mailer(sender), Post { waiting, late: VecDeque::new(), from, way }))
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    #[cfg(unix)]
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

impl Post {
    /// Deliver until the server stops, then once more what waits.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let due = self.late.iter().map(|late| late.due).min();
            let wait = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                mail = self.waiting.recv() => match mail {
                    Some(mail) => self.attempt(mail, 0).await,
                    None => break,
                },
                () = wait => {
                    let ready = self.late.iter().position(|late| Some(late.due) == due);
                    if let Some(late) = ready.and_then(|at| self.late.remove(at)) {
                        self.attempt(late.mail, late.tries).await;
                    }
                }
            }
        }
        let farewell = async {
            while let Ok(mail) = self.waiting.try_recv() {
                self.attempt(mail, WAITS.len()).await;
            }
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    async fn attempt(&mut self, mail: Mail, tries: usize) {
        let why = match tokio::time::timeout(TRY, self.deliver(&mail)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "no answer in time".to_owned(),
        };
        let room = self.late.len() < QUEUE_MAX;
        match WAITS.get(tries).filter(|_| room) {
            Some(wait) => {
                tracing::warn!(why, tries, "failed to deliver a mail; it is tried again");
                self.late.push_back(Late { mail, tries: tries + 1, due: Instant::now() + *wait });
            }
            None => tracing::error!(why, tries, "failed to deliver a mail; it is dropped"),
        }
    }

    async fn deliver(&self, mail: &Mail) -> anyhow::Result<()> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.to.clone()))
            .subject(mail.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .body(body(&mail.text))?;
        match &self.way {
            Way::Smtp(smtp) => smtp.send(message).await.map(drop)?,
            Way::Outbox(files, folder) => {
                files.send(message).await?;
                thin_out(folder)?;
            }
        }
        Ok(())
    }
}

/// Links stay whole, also for who reads the file: lines of ASCII travel as they are, though the library would break those
/// of more than 76 letters. SMTP allows 998 (RFC 5321).
fn body(text: &str) -> Body {
    const LINE_BYTES_MAX: usize = 998;
    if !text.is_ascii() || text.lines().any(|line| line.len() > LINE_BYTES_MAX) {
        return Body::new(text.to_owned());
    }
    let lines: String = text.lines().flat_map(|line| [line, "\r\n"]).collect();
    Body::dangerous_pre_encoded(lines.into_bytes(), ContentTransferEncoding::SevenBit)
}

/// Remove the oldest mails of a folder that has too many.
fn thin_out(folder: &Path) -> std::io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    let many = files.len().saturating_sub(OUTBOX_MAX);
    files.iter().take(many).try_for_each(|(_, path)| std::fs::remove_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_whole() {
        let link = format!("https://{}.example/confirm?token={}", "x".repeat(60), "y".repeat(52));
        let plain = body(&format!("Follow:\n\n{link}\n"));
        assert_eq!(plain.encoding(), ContentTransferEncoding::SevenBit);
        assert_eq!(plain.as_ref(), format!("Follow:\r\n\r\n{link}\r\n").as_bytes());
        for text in ["é".to_owned(), "x".repeat(999)] {
            assert_ne!(body(&text).encoding(), ContentTransferEncoding::SevenBit);
        }
    }

    #[tokio::test]
    async fn mails_become_files_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().to_owned(), ..Config::default() };
        let (mailer, post) = open(&config).unwrap();
        let to: Address = "ann@example.org".parse().unwrap();
        mailer.send(letters::confirm(to.clone(), "grid", "https://grid.example", "t0ken"));
        let stop = CancellationToken::new();
        stop.cancel();
        post.run(stop).await;
        let files: Vec<_> = std::fs::read_dir(folder.path().join("outbox")).unwrap().collect();
        assert_eq!(files.len(), 1, "what waits at the end is delivered");
        let text = std::fs::read_to_string(files[0].as_ref().unwrap().path()).unwrap();
        assert!(text.contains("To: ann@example.org\r\n") && text.contains("/confirm?token=t0ken\r\n"), "{text}");
    }
}
