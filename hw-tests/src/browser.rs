//! Chromium without a window, driven over its debugging pipe: messages of JSON, each ended by a zero octet.
//!
//! Source: the Chrome DevTools Protocol. The pipe is at its descriptors 3 and 4, which a shell joins to two named pipes.

use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// Chromium, with one page.
pub struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    asked: u64,
    _directory: TempDir,
}

impl Browser {
    /// Starts one; none where there is no Chromium, which is no reason to fail but in continuous integration.
    ///
    /// # Panics
    /// In continuous integration without Chromium, or when it does not start.
    #[must_use]
    pub fn start() -> Option<Browser> {
        Browser::start_with(&[])
    }

    /// The same with more on its command line.
    ///
    /// # Panics
    /// In continuous integration without Chromium, or when it does not start.
    #[must_use]
    pub fn start_with(more: &[String]) -> Option<Browser> {
        let there =
            Command::new("chromium").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
        if !there {
            assert!(std::env::var_os("CI").is_none(), "chromium is not installed");
            eprintln!("SKIPPED: chromium is not installed");
            return None;
        }
        let directory = TempDir::new().expect("a directory");
        let [input, output] = ["in", "out"].map(|name| directory.path().join(name));
        for pipe in [&input, &output] {
            nix::unistd::mkfifo(pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        }
        let child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<\"$IN\" 4>\"$OUT\"", "chromium"])
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--remote-debugging-pipe",
            ])
            .args(["--no-first-run", "--mute-audio", "--autoplay-policy=no-user-gesture-required"])
            .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
            .args(more)
            .env("IN", &input)
            .env("OUT", &output)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        // In the order in which the shell opens its ends.
        let to = OpenOptions::new().write(true).open(&input).expect("the pipe");
        let from = BufReader::new(File::open(&output).expect("the pipe"));
        let mut browser = Browser { child, to, from, session: String::new(), asked: 0, _directory: directory };
        let target = browser.ask("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = browser.ask("Target.attachToTarget", &json!({"targetId": target["targetId"], "flatten": true}));
        attached["sessionId"].as_str().expect("a session").clone_into(&mut browser.session);
        browser.ask("Page.enable", &json!({}));
        Some(browser)
    }

    fn ask(&mut self, method: &str, parameters: &Value) -> Value {
        self.asked += 1;
        let mut message = json!({"id": self.asked, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = self.session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("asked");
        loop {
            let mut line = Vec::new();
            assert!(self.from.read_until(0, &mut line).expect("read") > 0, "chromium has gone");
            let said: Value = serde_json::from_slice(&line[..line.len() - 1]).expect("JSON");
            if said["id"] == self.asked {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
        }
    }

    /// What an expression comes to on the page; promises are awaited.
    ///
    /// # Panics
    /// When it fails.
    pub fn evaluate(&mut self, expression: &str) -> Value {
        let parameters =
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true});
        let result = self.ask("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Until an expression is true.
    ///
    /// # Panics
    /// When it never is.
    pub fn wait_for(&mut self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.evaluate(&format!("!!({expression})")) != true {
            if Instant::now() >= deadline {
                let page = self.evaluate("document.body.innerText");
                panic!("waited in vain for {expression} on\n{page}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Goes to an address.
    ///
    /// # Panics
    /// When it cannot be loaded.
    pub fn open(&mut self, address: &str) {
        let result = self.ask("Page.navigate", &json!({"url": address}));
        assert!(result["errorText"].is_null(), "{address}: {result}");
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'");
    }

    /// Presses what this selector finds, and waits for the page it leads to.
    pub fn submit(&mut self, selector: &str) {
        self.leave(|browser| drop(browser.evaluate(&format!("document.querySelector({selector:?}).click()"))));
    }

    /// Does what leads to another page, and waits for that.
    pub fn leave(&mut self, act: impl FnOnce(&mut Browser)) {
        self.evaluate("window.leaving = true");
        act(self);
        self.wait_for("window.leaving === undefined && document.readyState === 'complete'");
    }

    /// The text of what this selector finds.
    ///
    /// # Panics
    /// When it finds nothing.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.evaluate(&format!("document.querySelector({selector:?})?.textContent ?? null"));
        text.as_str().unwrap_or_else(|| panic!("nothing is {selector}")).trim().to_owned()
    }

    /// Runs this on every page that is opened from now on, before anything of its own.
    pub fn before_each_page(&mut self, script: &str) {
        self.ask("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    }

    /// Presses a key, as somebody without a mouse does: `Tab`, `Enter`, ` `.
    pub fn press(&mut self, key: &str) {
        let (code, number, text) = match key {
            "Enter" => ("Enter", 13, Some("\r")),
            " " => ("Space", 32, Some(" ")),
            other => (other, 9, None),
        };
        let mut down = json!({"type": "keyDown", "key": key, "code": code, "windowsVirtualKeyCode": number});
        if let Some(text) = text {
            down["text"] = text.into();
        }
        self.ask("Input.dispatchKeyEvent", &down);
        let up = json!({"type": "keyUp", "key": key, "code": code, "windowsVirtualKeyCode": number});
        self.ask("Input.dispatchKeyEvent", &up);
    }

    /// Types this where the cursor is.
    pub fn type_in(&mut self, text: &str) {
        self.ask("Input.insertText", &json!({ "text": text }));
    }

    /// From now on as wide as this, in light or in dark colours.
    pub fn dress(&mut self, width: u32, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask("Emulation.setEmulatedMedia", &json!({ "features": features }));
        let metrics = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600});
        self.ask("Emulation.setDeviceMetricsOverride", &metrics);
    }

    /// A picture of the whole page.
    ///
    /// # Panics
    /// When it cannot be taken or written.
    pub fn picture(&mut self, file: &Path) {
        let shot = self.ask("Page.captureScreenshot", &json!({"format": "png", "captureBeyondViewport": true}));
        std::fs::write(file, decode(shot["data"].as_str().expect("a picture"))).expect("written");
    }

    /// How far the page is wider than the window.
    pub fn overhang(&mut self) -> i64 {
        self.evaluate("document.documentElement.scrollWidth - window.innerWidth").as_i64().unwrap_or(i64::MAX)
    }
}

/// RFC 4648 clause 4.
fn decode(text: &str) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut held) = (Vec::new(), 0u32, 0);
    for octet in text.bytes().filter(|octet| *octet != b'=') {
        let value = LETTERS.iter().position(|letter| *letter == octet).expect("a letter") as u32;
        bits = bits << 6 | value;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    out
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It is going away in any case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
