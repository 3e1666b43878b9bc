//! A headless Chromium, driven over two pipes by its own protocol.

use command_fds::{CommandFdExt, FdMapping};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, PipeReader, PipeWriter, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Whatever takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where Chromium is: as `EVENKEEL_CHROMIUM` says, or the first of the usual names that is found.
pub fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("EVENKEEL_CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    ["chromium", "chromium-browser", "google-chrome"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// A page that is open.
pub struct Tab {
    browser: Child,
    to: PipeWriter,
    from: Receiver<Value>,
    number: u64,
    session: Option<String>,
    /// What the browser told meanwhile.
    events: Vec<Value>,
    profile: TempDir,
}

impl Tab {
    /// A tab of that size, which prefers `light` or `dark`.
    pub fn open(program: &Path, width: u32, height: u32, scheme: &str) -> Self {
        let profile = tempfile::tempdir().expect("a folder");
        let (theirs_to_read, to) = std::io::pipe().expect("a pipe");
        let (answers, theirs_to_write) = std::io::pipe().expect("a pipe");
        let mut command = Command::new(program);
        command
            .args([
                "--headless=new",
                "--remote-debugging-pipe",
                "--no-first-run",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                // It can't have one as root, as machines of CI are; the pages are our own.
                "--no-sandbox",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
            .fd_mappings(vec![
                FdMapping {
                    parent_fd: theirs_to_read.into(),
                    child_fd: 3,
                },
                FdMapping {
                    parent_fd: theirs_to_write.into(),
                    child_fd: 4,
                },
            ])
            .expect("no two are the same");
        let browser = command.spawn().expect("Chromium starts");
        // Only the browser is to hold its ends of the pipes.
        drop(command);
        let mut tab = Self {
            browser,
            to,
            from: listen(answers),
            number: 0,
            session: None,
            events: Vec::new(),
            profile,
        };
        let target = tab.ask("Target.createTarget", json!({"url": "about:blank"}));
        let session = tab.ask(
            "Target.attachToTarget",
            json!({"targetId": target["targetId"], "flatten": true}),
        );
        tab.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"] {
            tab.ask(&format!("{domain}.enable"), json!({}));
        }
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        tab.ask("Emulation.setDeviceMetricsOverride", size);
        tab.prefer(scheme);
        tab
    }

    /// Prefers `light` or `dark` from now on.
    pub fn prefer(&mut self, scheme: &str) {
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", features);
    }

    /// Opens a file, and waits until it has drawn itself.
    pub fn go(&mut self, file: &Path) {
        let url = format!("file://{}", file.display());
        self.ask("Page.navigate", json!({"url": url}));
        self.wait_for("document.readyState === 'complete' && document.getElementById('at-says')?.textContent !== ''");
    }

    /// What an expression of the page comes to.
    pub fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.ask("Runtime.evaluate", asked);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub fn wait_for(&mut self, expression: &str) {
        let began = Instant::now();
        while self.eval(expression) != Value::Bool(true) {
            assert!(began.elapsed() < PATIENCE, "never true: {expression}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until what was changed is drawn.
    pub fn settle(&mut self) {
        self.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
    }

    /// Presses a key on what has the focus.
    pub fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.ask(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": key, "code": key}),
            );
        }
        self.settle();
    }

    /// Moves the mouse to a point of the window.
    pub fn hover(&mut self, x: f64, y: f64) {
        let moved = json!({"type": "mouseMoved", "x": x, "y": y});
        self.ask("Input.dispatchMouseEvent", moved);
        self.settle();
    }

    /// Clicks at a point of the window.
    pub fn click(&mut self, x: f64, y: f64) {
        self.hover(x, y);
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
            self.ask("Input.dispatchMouseEvent", event);
        }
        self.settle();
    }

    /// Drags from a point of the window to another one beside it.
    pub fn drag(&mut self, x: f64, y: f64, to: f64) {
        let mut event = |kind: &str, x: f64, pressed: u8| {
            let event = json!({
                "type": kind, "x": x, "y": y, "button": "left", "buttons": pressed, "clickCount": 1,
            });
            self.ask("Input.dispatchMouseEvent", event);
        };
        event("mousePressed", x, 1);
        for part in 1..=4 {
            event("mouseMoved", x + (to - x) * f64::from(part) / 4.0, 1);
        }
        event("mouseReleased", to, 0);
        self.settle();
    }

    /// What is seen, as a PNG in base 64.
    pub fn picture(&mut self) -> String {
        self.settle();
        let answer = self.ask("Page.captureScreenshot", json!({"format": "png"}));
        answer["data"].as_str().expect("a picture").to_owned()
    }

    /// Everything that assistive technology sees: role and name of each.
    pub fn accessible(&mut self) -> Vec<(String, String)> {
        let tree = self.ask("Accessibility.getFullAXTree", json!({}));
        let nodes = tree["nodes"].as_array().expect("nodes").clone();
        let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
        nodes
            .iter()
            .filter(|node| node["ignored"] != Value::Bool(true))
            .map(|node| (text(&node["role"]), text(&node["name"])))
            .collect()
    }

    /// Errors on the console, and requests for anything but the page itself.
    pub fn complaints(&mut self) -> Vec<String> {
        // What was told before this answer has arrived with it.
        self.eval("1");
        let is_bad = |event: &&Value| match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => true,
            Some("Runtime.consoleAPICalled") => {
                matches!(
                    event["params"]["type"].as_str(),
                    Some("error" | "warning" | "assert")
                )
            }
            Some("Log.entryAdded") => event["params"]["entry"]["level"] != "verbose",
            Some("Network.requestWillBeSent") => !event["params"]["request"]["url"]
                .as_str()
                .is_some_and(|url| url.starts_with("file://")),
            _ => false,
        };
        let bad = self.events.iter().filter(is_bad);
        bad.map(ToString::to_string).collect()
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut request = json!({"id": self.number, "method": method, "params": params});
        if let Some(session) = &self.session {
            request["sessionId"] = json!(session);
        }
        let mut line = request.to_string();
        line.push('\0');
        self.to.write_all(line.as_bytes()).expect("Chromium reads");
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.from.recv_timeout(left) {
                Ok(answer) if answer["id"] == json!(self.number) => {
                    assert!(answer.get("error").is_none(), "{method}: {answer}");
                    return answer["result"].clone();
                }
                Ok(event) => self.events.push(event),
                Err(RecvTimeoutError::Timeout) => panic!("{method}: no answer"),
                Err(RecvTimeoutError::Disconnected) => panic!("{method}: Chromium has ended"),
            }
        }
    }
}

impl Drop for Tab {
    fn drop(&mut self) {
        // Its processes go with it, and let go of the profile.
        let _ = self
            .to
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let until = Instant::now() + Duration::from_secs(5);
        while matches!(self.browser.try_wait(), Ok(None)) && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.browser.kill();
        let _ = self.browser.wait();
        let _ = std::fs::remove_dir_all(self.profile.path());
    }
}

/// Messages end with a zero byte.
fn listen(answers: PipeReader) -> Receiver<Value> {
    let (found, messages) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(answers).split(0) {
            let message = message
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            if message.is_none_or(|message| found.send(message).is_err()) {
                return;
            }
        }
    });
    messages
}
