//! Keys that are none, names that are taken, and values, which nothing ever shows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, LineEnding, PrivateKey};

use crate::fake::{Answer, FakeServer, Request};
use crate::world::{Ran, World};

fn create(world: &World, file: &str) -> Ran {
    world.rtkn(&["secret", "create", "ssh", "tt-ssh", "--host", "github.com", "--key", file])
}

fn made() -> PrivateKey {
    PrivateKey::random(&mut OsRng, Algorithm::Ed25519).expect("a key can be made")
}

#[test]
fn a_key_file_that_is_no_private_key_is_refused_and_nothing_is_made() {
    let world = World::started_sandbox();
    create(&world, "nowhere").exits(1).says("nowhere").says("No such file");
    create(&world, &world.write("empty", "")).exits(1).says("empty").says("Hint: ");
    create(&world, &world.write("notes", "buy milk\n")).exits(1).says("notes").never_shows("buy milk");
    let public = made().public_key().to_openssh().expect("it has a text");
    create(&world, &world.write("id.pub", &public)).exits(1).says("id.pub").says("public");
    create(&world, &world.path().to_string_lossy()).exits(1).says("directory");
    world.rtkn(&["secret", "list"]).ok().never_shows("tt-ssh");
}

#[test]
fn a_key_with_a_passphrase_is_refused_since_no_step_could_use_it() {
    let world = World::started_sandbox();
    let locked = made().encrypt(&mut OsRng, "correct horse").expect("a key can be locked");
    let text = locked.to_openssh(LineEnding::LF).expect("it has a text");
    create(&world, &world.write("locked", &text)).exits(1).says("passphrase").says("Hint: ").never_shows("BEGIN OPENSSH");
    world.rtkn(&["secret", "list"]).ok().never_shows("tt-ssh");
}

#[test]
fn a_name_that_is_taken_is_kept_unless_replacing_is_asked_for() {
    let world = World::started_sandbox();
    let file = |name: &str| world.write(name, &made().to_openssh(LineEnding::LF).expect("it has a text"));
    let (first, second) = (file("first"), file("second"));
    create(&world, &first).ok().prints("created");
    let before = world.rtkn(&["secret", "describe", "tt-ssh"]).ok().stdout;
    create(&world, &second).exits(1).says("tt-ssh").says("--replace");
    assert_eq!(world.rtkn(&["secret", "describe", "tt-ssh"]).ok().stdout, before, "the key is the first one still");
    create(&world, &first).ok().prints("unchanged");
    world.rtkn(&["secret", "create", "ssh", "tt-ssh", "--host", "github.com", "--key", &second, "--replace"]).ok().prints("configured");
    assert_ne!(world.rtkn(&["secret", "describe", "tt-ssh"]).ok().stdout, before, "the key is the second one now");
}

#[test]
fn a_save_file_that_is_there_is_not_overwritten() {
    let world = World::started_sandbox();
    let file = world.write("id", "something of mine\n");
    let command = ["secret", "create", "ssh", "tt-ssh", "--host", "github.com", "--generate", "--save", &file];
    world.rtkn(&command).exits(1).says("is there already");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "something of mine\n");
    world.rtkn(&["secret", "list"]).ok().never_shows("tt-ssh");
}

#[test]
fn a_flag_about_a_new_key_is_refused_where_none_is_made() {
    let world = World::started_sandbox();
    let key = world.write("key", "no key");
    let saved = world.path().join("saved");
    let ssh = ["secret", "create", "ssh", "x", "--host", "github.com"];
    world.rtkn(&[&ssh[..], &["--key", &key, "--save", &saved.to_string_lossy()]].concat()).exits(1).says("--save");
    world.rtkn(&[&ssh[..], &["--key", &key, "--comment", "mine"]].concat()).exits(1).says("--comment");
    world.rtkn(&[&ssh[..], &["--generate", "--save", "-"]].concat()).exits(1).says("the name of a file");
    let dry = world.rtkn(&[&ssh[..], &["--generate", "--dry-run"]].concat()).ok();
    dry.says("give it to nobody").never_shows("Give this public key");
}

/// A server with a Secret of another type, which answers a change as it is told to.
fn with_a_login(answer: fn(&Request) -> Answer) -> FakeServer {
    let login = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/basic-auth", "data": {"username": "bWU=", "password": "aHVudGVyMg=="},
        "metadata": {"name": "login", "namespace": "work", "uid": "1", "resourceVersion": "7"},
    });
    FakeServer::start(move |request, _| match request.method.as_str() {
        "GET" if request.target.contains("/secrets/login") => Answer::json(&login),
        "GET" => Answer::json(&json!({"metadata": {}, "items": []})),
        _ => answer(request),
    })
}

/// The methods of the changes that were really asked for.
fn changes(server: &FakeServer) -> Vec<String> {
    let changes = server.asked().into_iter().filter(|asked| asked.method != "GET" && !asked.target.contains("dryRun=All"));
    changes.map(|asked| asked.method).collect()
}

const REPLACE: [&str; 8] = ["secret", "create", "ssh", "login", "--host", "github.com", "--generate", "--replace"];

#[test]
fn nothing_is_replaced_that_could_not_be_made_anew() {
    let server = with_a_login(|_| Answer::failure(403, "Forbidden", "secrets is forbidden: User \"bob\" cannot create resource"));
    server.world().rtkn(&REPLACE).exits(1).says("cannot create");
    assert_eq!(changes(&server), [""; 0]);
}

#[test]
fn what_could_not_be_replaced_is_put_back() {
    let server = with_a_login(|request| match request.method.as_str() {
        "PATCH" if !request.target.contains("dryRun=All") => Answer::failure(422, "Invalid", "no more of these"),
        _ => Answer::json(&json!({"metadata": {"name": "login"}})),
    });
    server.world().rtkn(&REPLACE).exits(1).says("no more of these").says("secret/login is as it was before").never_shows("hunter");
    assert_eq!(changes(&server), ["DELETE", "PATCH", "POST"]);
    let put_back = server.asked().pop().expect("the last request").body;
    assert!(put_back.contains("aHVudGVyMg==") && !put_back.contains("resourceVersion") && !put_back.contains("\"uid\""), "{put_back}");
}

#[test]
fn a_key_that_cannot_be_saved_is_not_made() {
    let world = World::started_sandbox();
    let folder = world.path().join("none").join("id");
    for file in [folder.to_string_lossy().as_ref(), "/dev/full"] {
        let command = ["secret", "create", "ssh", "tt-ssh", "--host", "github.com", "--generate", "--save", file];
        world.rtkn(&command).exits(1).says(file).says("nothing was made");
    }
    world.rtkn(&["secret", "list"]).ok().never_shows("tt-ssh");
}

#[test]
fn a_key_whose_secret_was_not_made_is_not_saved() {
    let world = World::started_sandbox();
    world.stdin(&["secret", "create", "basic", "taken", "--host", "github.com", "--stdin"], "me\nhunter2\n").ok();
    let saved = world.path().join("saved");
    let command = ["secret", "create", "ssh", "taken", "--host", "github.com", "--generate", "--save", &saved.to_string_lossy()];
    world.rtkn(&command).exits(1).says("--replace");
    world.rtkn(&[&command[..], &["--namespace", "nowhere"]].concat()).exits(1).says("nowhere");
    assert!(!saved.exists(), "a key that opens nothing lies about");
}

#[test]
fn a_generated_key_stays_in_memory_unless_a_file_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::started_sandbox();
    let ran = world.rtkn(&["secret", "create", "ssh", "one", "--host", "github.com", "--generate"]).ok();
    ran.prints("ssh-ed25519 ").never_shows("PRIVATE KEY");
    let home = world.path().join("home");
    assert!(std::fs::read_dir(home).expect("the home is there").next().is_none(), "a file was made in the home");
    let saved = world.path().join("saved");
    world.rtkn(&["secret", "create", "ssh", "two", "--host", "github.com", "--generate", "--save", &saved.to_string_lossy()]).ok();
    let mode = std::fs::metadata(&saved).expect("it was saved").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(std::fs::read_to_string(&saved).expect("it is text").contains("PRIVATE KEY"));
}

#[test]
fn no_value_of_a_secret_is_ever_shown() {
    let world = World::started_sandbox();
    let password = "hunter2-and-some-more";
    let key = made().to_openssh(LineEnding::LF).expect("it has a text");
    let line = key.lines().nth(1).expect("a key has lines").to_owned();
    create(&world, &world.write("key", &key)).ok();
    world.stdin(&["secret", "create", "basic", "tt-basic", "--host", "https://git.example", "--stdin"], &format!("me\n{password}\n")).ok();
    let auth = STANDARD.encode(format!("me:{password}"));
    let config = world.write("config.json", &format!(r#"{{"auths": {{"ghcr.io": {{"auth": "{auth}"}}}}}}"#));
    world.rtkn(&["secret", "create", "docker", "tt-docker", "--config", &config]).ok();
    world.rtkn(&["sa", "create", "tt-sa", "--secret", "tt-ssh", "--secret", "tt-basic", "--secret", "tt-docker"]).ok();
    let hidden = [line.clone(), STANDARD.encode(key), password.to_owned(), STANDARD.encode(password), auth.clone(), STANDARD.encode(auth)];
    let mut commands: Vec<Vec<&str>> =
        vec![vec!["secret", "list"], vec!["sa", "describe", "tt-sa"], vec!["diagnose"], vec!["sandbox", "status"]];
    for name in ["tt-ssh", "tt-basic", "tt-docker"] {
        commands.push(vec!["secret", "describe", name]);
        commands.push(vec!["secret", "describe", name, "-o", "yaml"]);
        commands.push(vec!["secret", "describe", name, "-o", "json"]);
    }
    commands.extend([vec!["secret", "list", "-o", "yaml"], vec!["secret", "list", "-o", "json"]]);
    // Taken with other content: the error may say what differs, not what it is.
    commands.push(vec!["secret", "create", "docker", "tt-ssh", "--config", &config]);
    commands.push(vec!["secret", "create", "docker", "other", "--config", &config, "--dry-run", "-o", "yaml"]);
    for command in commands {
        let ran = world.rtkn(&command);
        let shown = hidden.iter().any(|value| ran.stdout.contains(value) || ran.stderr.contains(value));
        // The output is not printed: it would show the value.
        assert!(!shown, "rtkn {} shows a value", command.join(" "));
    }
}

#[test]
fn a_comment_of_two_lines_is_refused_since_the_public_key_is_one() {
    let world = World::sandbox();
    let create = ["secret", "create", "ssh", "tt-ssh", "--host", "github.com", "--generate", "--comment", "one\ntwo"];
    world.rtkn(&create).exits(1).says("--comment").says("one line");
    world.rtkn(&["secret", "list"]).ok().never_shows("tt-ssh");
}

#[cfg(target_os = "linux")]
#[test]
fn a_public_key_that_could_not_be_printed_is_shown_by_describe() {
    let world = World::sandbox();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("a full device");
    let mut command = world.command(&["secret", "create", "ssh", "tt-ssh", "--host", "github.com", "--generate"]);
    let output = command.stdout(full()).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("secret describe tt-ssh"), "{said}");
    world.rtkn(&["secret", "describe", "tt-ssh"]).ok().prints("ssh-ed25519 AAAA");
}

#[test]
fn a_docker_configuration_says_which_login_is_not_in_it() {
    let world = World::sandbox();
    let config =
        world.write("config.json", &json!({"auths": {"ghcr.io": {"auth": "dTpw"}}, "credHelpers": {"gcr.io": "gcloud"}}).to_string());
    let create = |name: &str, config: &str| world.rtkn(&["secret", "create", "docker", name, "--config", config]);
    create("images", &config).ok().says("the password of gcr.io is not in").says("docker-credential-gcloud");
    world.rtkn(&["secret", "describe", "images"]).ok().prints("ghcr.io").never_shows("gcr.io\n");
    let config = world.write("bad.json", &json!({"auths": {"ghcr.io": {"auth": "hunter2"}}}).to_string());
    create("other", &config).exits(1).says("the entry of ghcr.io is no login").never_shows("hunter2");
}

#[test]
fn a_third_line_on_standard_input_belongs_to_no_login() {
    let world = World::sandbox();
    let create = ["secret", "create", "basic", "x", "--host", "https://git.example", "--stdin"];
    world.stdin(&create, "me\nhunter2\nmore\n").exits(1).says("more than two lines").never_shows("hunter2");
}

#[test]
fn a_password_is_never_taken_from_the_command_line() {
    let world = World::started_sandbox();
    for flag in ["--password", "--token", "--user", "--username"] {
        let ran = world.rtkn(&["secret", "create", "basic", "x", "--host", "https://git.example", flag, "hunter2"]).exits(1);
        ran.never_shows("created");
    }
    world.stdin(&["secret", "create", "basic", "x", "--host", "https://git.example", "--stdin"], "only-a-user\n").exits(1).says("password");
}
