//! `diagnose` against what a real cluster (Pipelines v1.15, Triggers v0.37) answered about real failures: each file of
//! `corpus/diagnose` is one of them, and the file of its name in `golden/diagnose` what is said about it.
//! Only the two StorageClasses of `unbound-claim-no-default` were added by hand.
//! `BLESS=1 cargo test` writes the latter anew.

mod server;

use std::fs;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use rtkn::diagnose::{Diagnosis, Standing, Voice, explain, gather, text, troubled};
use rtkn::kinds;
use server::Recording;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).join("diagnose")
}

fn recording(case: &str) -> Recording {
    let path = folder("corpus").join(format!("{case}.json"));
    Recording::read(&fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
}

fn cases() -> Vec<String> {
    let files = fs::read_dir(folder("corpus")).expect("the corpus");
    let mut cases: Vec<String> =
        files.filter_map(|f| f.expect("a file").file_name().to_str()?.strip_suffix(".json").map(str::to_owned)).collect();
    cases.sort();
    cases
}

fn diagnosis(recording: Recording) -> Diagnosis {
    let [kind, namespace, name] = recording.about.clone();
    let kind = kinds::ALL.iter().copied().find(|k| k.kind == kind).expect("a kind of the table");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let evidence = runtime.block_on(async { gather(&recording.cluster(), kind, &namespace, &name).await.expect("the object is recorded") });
    explain(&evidence, &Voice { command: &|words| format!("rtkn {words}"), kubectl: &|words| format!("kubectl {words}") })
}

/// The text as it reads three minutes after things came to stand as they do.
fn told(diagnosis: &Diagnosis) -> String {
    let since: Timestamp = diagnosis.since.as_deref().unwrap_or("2026-01-01T00:00:00Z").parse().expect("a time");
    text(diagnosis, since + SignedDuration::from_mins(3), false, None)
}

#[test]
fn every_recorded_failure_is_explained_as_it_was_agreed() {
    let update = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let now = told(&diagnosis(recording(&case)));
        let path = folder("golden").join(format!("{case}.txt"));
        if update {
            fs::write(&path, &now).expect("golden files can be written");
        } else if fs::read_to_string(&path).unwrap_or_default() != now {
            wrong.push(format!("--- {case}\n{now}"));
        }
    }
    assert!(wrong.is_empty(), "these read otherwise than golden/diagnose says:\n{}", wrong.join("\n"));
}

#[test]
fn no_golden_text_is_left_over() {
    let known = cases();
    for file in fs::read_dir(folder("golden")).expect("golden texts") {
        let name = file.expect("a file").file_name().into_string().expect("a plain name");
        assert!(known.iter().any(|case| name == format!("{case}.txt")), "{name} belongs to no recording");
    }
}

/// A key that the ssh of a step cannot read is refused by the server as well, which is not the cause.
#[test]
fn a_key_that_ssh_cannot_read_is_told_before_what_comes_of_it() {
    let path = folder("corpus").join("publickey-wrong.json");
    let text = fs::read_to_string(path).expect("a recording");
    let before = "diaggit@192.0.2.2: Permission denied";
    let told_first = format!("Load key \\\"/root/.ssh/id_hook\\\": invalid format\\n{before}");
    let diagnosis = diagnosis(Recording::read(&text.replace(before, &told_first)));
    let rules: Vec<&str> = diagnosis.findings.iter().map(|f| f.rule).collect();
    assert_eq!(rules, ["KeyUnreadable"], "{}", told(&diagnosis));
    assert!(told(&diagnosis).contains("secret create ssh hook --host 192.0.2.2"), "{}", told(&diagnosis));
}

#[test]
fn a_file_that_is_missing_on_a_shared_volume_is_not_explained_by_an_empty_directory() {
    let text = fs::read_to_string(folder("corpus").join("workspace-apart.json")).expect("a recording");
    let diagnosis = diagnosis(Recording::read(&text.replace("emptyDir", "volumeClaimTemplate")));
    let rules: Vec<&str> = diagnosis.findings.iter().map(|f| f.rule).collect();
    assert_eq!(rules, ["StepExited"], "{}", told(&diagnosis));
}

#[test]
fn each_failure_has_the_rule_that_knows_it() {
    let expected = [
        ("unbound-claim", "ClaimWithoutAnyClass"),
        ("unbound-claim-no-default", "ClaimWithoutDefaultClass"),
        ("class-absent", "ClaimOfUnknownClass"),
        ("claim-missing", "ClaimMissing"),
        ("listener-default", "ListenerWithoutAccount"),
        ("listener-forbidden", "ListenerForbidden"),
        ("listener-template-missing", "TriggerReferenceMissing"),
        ("host-key-none", "KnownHostsMissing"),
        ("host-key-changed", "HostKeyChanged"),
        ("host-key-other-host", "SecretForOtherHost"),
        ("publickey-wrong", "PublickeyRefused"),
        ("publickey-opaque", "SecretOfWrongType"),
        ("publickey-forbidden", "PublickeyRefusedAtAll"),
        ("secret-not-listed", "SecretNotListed"),
        ("no-secret", "NoSecretForHost"),
        ("repository-missing", "RepositoryMissing"),
        ("host-unknown", "HostUnknown"),
        ("task-missing", "TaskMissingNearName"),
        ("tr-task-missing", "TaskMissingNearName"),
        ("pipeline-missing", "PipelineMissingNearName"),
        ("param-missing", "ParamMissing"),
        ("workspace-missing", "WorkspaceMissing"),
        ("sa-missing", "AccountMissing"),
        ("exit-7", "StepExited"),
        ("exit-126", "StepNotExecutable"),
        ("exit-127", "CommandNotFoundInScript"),
        ("oom", "StepOutOfMemory"),
        ("command-missing", "CommandMissing"),
        ("bad-shebang", "ScriptInterpreterMissing"),
        ("image-missing", "ImagePullFailed"),
        ("image-never", "ImageNeverPulled"),
        ("image-invalid", "ImageNameInvalid"),
        ("image-timeout", "ImagePullFailed"),
        ("entrypoint-lookup", "EntrypointLookupFailed"),
        ("timeout", "RunTimedOut"),
        ("step-timeout", "StepTimedOut"),
        ("cancelled", "RunCancelled"),
        ("pending", "RunWaitsForLeave"),
        ("config-map-missing", "EnvConfigMapMissing"),
        ("volume-secret-missing", "VolumeSecretMissing"),
        ("too-big", "NodesTooSmall"),
        ("results-large", "ResultsTooLarge"),
        ("result-missing", "ResultNotWritten"),
        ("workspace-apart", "WorkspaceApart"),
        ("quota", "QuotaExceeded"),
        ("pod-security", "PodSecurityRefused"),
        ("workdir-relative", "StepNotStarted"),
        ("interceptor-not-reached", "InterceptorNotReached"),
        ("listener-error-made-up", "UnrecognizedInLog"),
    ];
    for (case, rule) in expected {
        let diagnosis = diagnosis(recording(case));
        let found: Vec<&str> = diagnosis.findings.iter().map(|f| f.rule).collect();
        assert_eq!(found.first().copied(), Some(rule), "{case}: {found:?}");
    }
}

#[test]
fn what_may_not_be_read_is_said_and_the_rest_is_explained() {
    let diagnosis = diagnosis(recording("publickey-forbidden"));
    assert!(diagnosis.unseen.iter().any(|unseen| unseen.starts_with("Secrets: forbidden; it takes a Role")), "{:?}", diagnosis.unseen);
    assert_eq!(diagnosis.findings[0].rule, "PublickeyRefusedAtAll");
}

#[test]
fn no_private_key_is_printed() {
    for case in cases() {
        let json = serde_json::to_string(&diagnosis(recording(&case))).expect("JSON");
        assert!(!json.contains("PRIVATE KEY") && !json.contains("b3BlbnNza"), "{case}");
    }
}

#[test]
fn what_failed_or_hangs_is_found_without_being_named() {
    let recording = recording("unbound-claim");
    let namespace = recording.about[1].clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (found, more) = runtime.block_on(async { troubled(&recording.cluster(), &namespace, None, 5).await.expect("lists") });
    assert_eq!(found, [(&kinds::PIPELINE_RUN, "unbound-claim".to_owned())]);
    assert_eq!(more, 0);
}

#[test]
fn a_run_that_waits_is_said_to_hang_and_one_that_ended_is_not() {
    assert_eq!(diagnosis(recording("unbound-claim")).standing, Standing::Hangs);
    assert_eq!(diagnosis(recording("exit-7")).standing, Standing::Failed);
    assert_eq!(diagnosis(recording("cancelled")).standing, Standing::Cancelled);
    assert_eq!(diagnosis(recording("listener-default")).standing, Standing::NotReady);
}
