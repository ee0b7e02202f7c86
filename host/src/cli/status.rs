//! `portcullis status`: asks a running gateway how it is, on the admin listener of its configuration.

use super::out::{complain, say};
use super::{CANNOT, NO, WRONG, YES, world};
use crate::config;
use crate::provider::innermost;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How long it may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

pub(super) fn run(file: &Path) -> u8 {
    let admin = match config::open(file).and_then(|draft| draft.admin_listen()) {
        Ok(admin) => admin,
        Err(problems) => {
            complain(problems);
            return WRONG;
        }
    };
    let runtime = match world::runtime() {
        Ok(runtime) => runtime,
        Err(code) => return code,
    };
    match runtime.block_on(ask(&format!("http://{admin}/readyz"))) {
        Ok(answer) => tell(&answer),
        Err(reason) => {
            complain(format_args!("nothing answers on {admin} (`admin.listen`): {reason}; is the gateway running?"));
            CANNOT
        }
    }
}

async fn ask(url: &str) -> Result<Value, String> {
    // The client is made for TLS, whatever it is used for.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let client =
        reqwest::Client::builder().no_proxy().timeout(ANSWER_MAX).build().map_err(|error| error.to_string())?;
    let answer = client.get(url).send().await.map_err(|error| innermost(&error))?;
    let body = answer.bytes().await.map_err(|error| innermost(&error))?;
    serde_json::from_slice(&body).map_err(|_| "what answers there is no gateway".to_owned())
}

fn tell(answer: &Value) -> u8 {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    say(text(&answer["status"]));
    for provider in answer["providers"].as_array().into_iter().flatten() {
        say(format_args!("  provider {} has no plan yet: {}", text(&provider["provider"]), text(&provider["reason"])));
    }
    let configuration = &answer["configuration"];
    let stale = configuration["stale"] == true;
    if configuration["reloading"] == true {
        say("  what is on disk is being read and compiled, and what was read before serves");
    } else if stale {
        say("  what is on disk could not be taken, and what was read before serves:");
        for problem in configuration["problems"].as_array().into_iter().flatten() {
            say(format_args!("    {}", text(problem)));
        }
    }
    if answer["status"] == "ready" && !stale { YES } else { NO }
}
