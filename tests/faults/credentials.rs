//! Credentials that end while a run is followed.

use std::future::Future;
use std::os::unix::fs::PermissionsExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use serde_json::json;

use super::plan::Plan;
use super::proxy::{self, Body, Origin, Proxy, status};
use super::scenario::{RUN, Scenario, scenario};
use super::scripted::Scripted;
use super::wrong_lines;
use crate::fake::kubeconfig;
use crate::world::World;

/// How many requests a token is good for.
const GOOD_FOR: usize = 3;

/// A server whose tokens end after a few requests, before the time that anybody told.
struct ShortLived {
    server: Scripted,
    asked: AtomicUsize,
}

impl Origin for ShortLived {
    fn answer(&self, request: Request<Bytes>) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        let first = request.headers().get("authorization").is_some_and(|value| value == "Bearer token-1");
        if first && asked >= GOOD_FOR {
            return Box::pin(std::future::ready(status(401, "Unauthorized", None)));
        }
        self.server.answer(request)
    }
}

#[test]
fn a_token_that_ends_while_a_run_is_followed_is_renewed_by_its_plugin() {
    let Scenario { script, expected, fails, clock, .. } = scenario(4);
    let _in_runtime = proxy::runtime().enter();
    let server = ShortLived { server: Scripted::begin(script, Duration::ZERO, clock), asked: AtomicUsize::new(0) };
    let proxy = Proxy::start(Arc::new(server), Plan::none());
    let world = World::empty();
    let credential = r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": "token-'$n'"}}"#;
    let script = format!("#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho >> calls\nn=$(wc -l < calls | tr -d ' ')\necho '{credential}'\n");
    let plugin = world.write("plugin", &script);
    std::fs::set_permissions(&plugin, std::fs::Permissions::from_mode(0o755)).expect("a script can be made executable");
    let user = json!({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never"}});
    let file = world.write("config", &kubeconfig(&proxy.url(), &user));
    let output = world.command(&["--kubeconfig", &file, "pr", "logs", RUN, "-f", "-E"]).output().expect("the program ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), wrong_lines(&output.stdout, &expected)), (Some(i32::from(fails)), None), "{said}");
    // Requests that were under way together may each have found the token ended.
    let calls = std::fs::read_to_string(world.path().join("calls")).expect("the plugin was called");
    assert!(calls.lines().count() >= 2, "the plugin was called once");
}
