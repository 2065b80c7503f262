//! axe-core on a page: whether people who see badly, or hear a page, or have no mouse, can use it.
//!
//! Looked at for a phone and for a desk, in light and in dark: what is hidden or pale in one of them may be neither in another.
//! `.ci/run` fetches axe-core below `target/`.
//!
//! Source: axe-core's rules for WCAG 2.2 A and AA, and its best practices.

use crate::browser::Browser;
use serde_json::json;

/// Of a phone and of a desk.
pub const WIDTHS: [u32; 2] = [390, 1280];

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/axe/axe.min.js");

/// Every rule; of what it finds as much as a reader of the test's output needs.
const RUN: &str = "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map(v => \
     `${v.id}: ${v.help}: ${v.nodes.map(n => n.html + ' ' + n.any.map(a => a.message).join('; ')).join(' | ')}`))";

/// axe-core.
#[derive(Debug)]
pub struct Axe {
    script: String,
}

impl Axe {
    /// Reads it; none where it was not fetched, which is no reason to fail but in continuous integration.
    ///
    /// # Panics
    /// In continuous integration without it.
    #[must_use]
    pub fn fetched() -> Option<Axe> {
        let script = std::fs::read_to_string(FILE).ok();
        if script.is_none() {
            assert!(std::env::var_os("CI").is_none(), "axe-core was not fetched");
            eprintln!("SKIPPED: rules of axe-core; .ci/run fetches it");
        }
        script.map(|script| Axe { script })
    }

    /// Looks at the page that is open.
    ///
    /// # Panics
    /// When it finds something.
    pub fn look_at(&self, browser: &mut Browser, name: &str) {
        browser.evaluate(&format!("{};0", self.script));
        for width in WIDTHS {
            for dark in [false, true] {
                browser.dress(width, dark);
                assert_eq!(browser.evaluate(RUN), json!([]), "{name}, {width} wide, dark: {dark}");
            }
        }
    }
}
