//! The log of a server: a line an event, as JSON or for people. It is told names, numbers and reasons, never a token or a body.

use std::fmt::Display;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Map, Value};

/// The form of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// Words, then `name=value`.
    #[default]
    Words,
    /// An object of JSON.
    Json,
}

/// Where events are noted.
pub(crate) struct Journal {
    form: Form,
    /// The standard error output without it.
    out: Option<Mutex<Box<dyn Write + Send>>>,
}

impl Journal {
    /// On the standard error output.
    pub(crate) fn new(form: Form) -> Self {
        Self { form, out: None }
    }

    /// To a writer.
    #[cfg(test)]
    pub(super) fn to(form: Form, out: impl Write + Send + 'static) -> Self {
        Self { form, out: Some(Mutex::new(Box::new(out))) }
    }

    /// Notes an event with its fields. Whoever cannot be written to is not.
    pub(super) fn note(&self, event: &str, fields: &[(&str, &dyn Display)]) {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        let line = match self.form {
            Form::Words => {
                let fields = fields.iter().map(|(name, value)| format!(" {name}={value}"));
                plain(&format!("{time} {event}{}", fields.collect::<String>()))
            }
            Form::Json => {
                let mut line = Map::new();
                line.insert("time".into(), Value::String(time));
                line.insert("event".into(), Value::String(event.to_owned()));
                for (name, value) in fields {
                    line.insert((*name).to_owned(), Value::String(value.to_string()));
                }
                Value::Object(line).to_string()
            }
        };
        match &self.out {
            Some(out) => {
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = writeln!(out, "{line}").and_then(|()| out.flush());
            }
            None => eprintln!("{line}"),
        }
    }
}

/// A line without what ends it or moves a cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_event_is_a_line_whatever_its_fields_hold() {
        for form in [Form::Words, Form::Json] {
            let kept = Kept::default();
            let journal = Journal::to(form, kept.clone());
            journal.note("job deleted", &[("tenant", &"a\n\u{1b}b"), ("bytes", &17)]);
            let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
            assert_eq!((text.lines().count(), text.contains('\u{1b}')), (1, false), "{text:?}");
            if form == Form::Json {
                let line: Value = serde_json::from_str(&text).unwrap();
                assert_eq!(
                    (line["event"].as_str(), line["bytes"].as_str()),
                    (Some("job deleted"), Some("17"))
                );
                assert_eq!(line["tenant"].as_str(), Some("a\n\u{1b}b"));
            }
        }
    }
}
