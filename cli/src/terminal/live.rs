//! Lines at the bottom of the terminal that are redrawn in place, and a bar for bytes on their way.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Terminal;

/// A block of lines; empty where the terminal cannot redraw.
#[derive(Debug)]
pub struct LiveLines {
    group: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl LiveLines {
    /// On standard error, cut to the terminal's width.
    pub fn new() -> Self {
        Self { group: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)), lines: Vec::new() }
    }

    /// Show these lines instead of those before.
    pub fn show(&mut self, lines: &[String]) {
        while self.lines.len() > lines.len() {
            if let Some(line) = self.lines.pop() {
                line.finish_and_clear();
            }
        }
        for (index, text) in lines.iter().enumerate() {
            if index == self.lines.len() {
                let style = ProgressStyle::with_template("{wide_msg}").unwrap_or(ProgressStyle::default_spinner());
                self.lines.push(self.group.add(ProgressBar::new_spinner().with_style(style)));
            }
            self.lines[index].set_message(text.clone());
        }
    }

    /// Take the lines away.
    pub fn clear(&mut self) {
        self.show(&[]);
        let _ = self.group.clear();
    }
}

impl Default for LiveLines {
    fn default() -> Self {
        Self::new()
    }
}

/// A bar for `bytes` bytes under `label`; invisible where the terminal cannot redraw.
pub fn byte_bar(terminal: &Terminal, label: &str, bytes: u64) -> ProgressBar {
    if !terminal.live {
        return ProgressBar::hidden();
    }
    let template =
        "  {msg:12}  {bar:30}  {percent:>3} %   {binary_bytes}/{binary_total_bytes}   {binary_bytes_per_sec}   {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or(ProgressStyle::default_bar()).progress_chars("██ ");
    ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(10))
        .with_style(style)
        .with_message(label.to_owned())
}
