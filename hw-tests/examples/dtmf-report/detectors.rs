//! Those who are examined: our receiver, and libspandsp's in a process of its own.

use dsp::dtmf::{DtmfReceiver, KeyEvent};
use hw_tests::peers::{GCC, SPANDSP, compile_peer};
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// Somebody who hears keys in a recording.
pub trait Detector {
    /// What to call it at the head of a column.
    fn name(&self) -> &'static str;
    /// The keys of one recording, from a fresh start.
    fn keys(&mut self, samples: &[i16]) -> String;
}

/// Those this machine has; ours is the first.
pub fn all() -> Vec<Box<dyn Detector>> {
    let mut all: Vec<Box<dyn Detector>> = vec![Box::new(Ours)];
    if GCC.is_here() && SPANDSP.is_here() {
        all.push(Box::new(Spandsp::start("spandsp", "-")));
        all.push(Box::new(Spandsp::start("with its filter", "-d")));
    }
    all
}

struct Ours;

impl Detector for Ours {
    fn name(&self) -> &'static str {
        "trunkcast"
    }

    fn keys(&mut self, samples: &[i16]) -> String {
        let mut keys = String::new();
        DtmfReceiver::new().process(samples, &mut |event| {
            if let KeyEvent::Down { key, .. } = event {
                keys.push(key.to_char());
            }
        });
        keys
    }
}

struct Spandsp {
    name: &'static str,
    child: Child,
    recordings: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Spandsp {
    fn start(name: &'static str, how: &str) -> Self {
        let program = compile_peer("spandsp_digits", &["-lspandsp", "-lm"]);
        let mut child = Command::new(program)
            .arg(how)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start spandsp_digits");
        let answers = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        let recordings = child.stdin.take();
        Self { name, child, recordings, answers }
    }
}

impl Detector for Spandsp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn keys(&mut self, samples: &[i16]) -> String {
        let count = u32::try_from(samples.len()).expect("a recording of hours");
        let octets: Vec<u8> =
            count.to_le_bytes().into_iter().chain(samples.iter().flat_map(|sample| sample.to_le_bytes())).collect();
        let recordings = self.recordings.as_mut().expect("open until the end");
        recordings.write_all(&octets).and_then(|()| recordings.flush()).expect("write to spandsp_digits");
        self.answers.next().expect("spandsp_digits goes on").expect("read from spandsp_digits")
    }
}

impl Drop for Spandsp {
    fn drop(&mut self) {
        // The end of its input is its end.
        self.recordings = None;
        let _ = self.child.wait();
    }
}
