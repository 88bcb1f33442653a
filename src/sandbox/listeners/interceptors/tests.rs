//! Interceptors one by one, and expressions of CEL with what each must yield.

use super::*;

const BODY: &str = r#"{"action": "opened", "number": 7, "ref": "refs/heads/main", "labels": ["a", "b"], "nested": "{\"k\": [1, 2]}",
    "commit": {"sha": "0123456789abcdef", "id": 3.5}, "yaml": "k: v", "empty": []}"#;

/// The answer of one of Tekton's own interceptors; the Secret `hook` has the key `token`.
fn answer(process: Process, headers: &[(&str, &str)], params: Value) -> Result<Value, String> {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect();
    let extensions = Map::from_iter([("earlier".to_owned(), json!("seen"))]);
    let secrets: Secrets = Arc::new(|name, key| match (name, key) {
        ("hook", "token") => Ok(b"s3cret".to_vec()),
        _ => Err(format!("secrets {name:?} not found")),
    });
    let params = params.as_object().expect("params").clone();
    let request = Request { body: BODY, headers: &headers, extensions: &extensions, params, url: "/path?q=1", secrets };
    process(&request).map(Value::Object).map_err(|refusal| refusal.to_string())
}

fn overlay(expression: &str) -> Value {
    let params = json!({"overlays": [{"key": "k", "expression": expression}]});
    answer(cel::process, &[("X-Github-Event", "push")], params).unwrap_or_else(|error| panic!("{expression}: {error}"))["k"].take()
}

#[test]
fn expressions_yield_what_triggers_makes_of_them() {
    let cases = [
        ("body.action", json!("opened")),
        ("body.number", json!(7.0)),
        ("body.number == 7", json!(true)),
        ("body.number + 1.0", json!(8.0)),
        ("int(body.number) % 2", json!(1)),
        ("body.commit.sha.truncate(7)", json!("0123456")),
        ("body.commit.sha.truncate(70)", json!("0123456789abcdef")),
        ("body.ref.split('/')[2]", json!("main")),
        ("body.ref.startsWith('refs/heads/')", json!(true)),
        ("body.ref.matches('^refs/(heads|tags)/')", json!(true)),
        ("body.labels.exists(l, l == 'b')", json!(true)),
        ("body.labels.map(l, l + '!')", json!(["a!", "b!"])),
        ("body.labels.last() + body.labels.first()", json!("ba")),
        ("body.nested.parseJSON().k[1]", json!(2.0)),
        ("body.yaml.parseYAML().k", json!("v")),
        ("body.commit.marshalJSON()", json!(r#"{"id":3.5,"sha":"0123456789abcdef"}"#)),
        ("header.match('x-github-event', 'push')", json!(true)),
        ("header.canonical('X-GitHub-Event')", json!("push")),
        ("header['X-Github-Event'][0]", json!("push")),
        ("header.canonical('X-Missing')", json!("")),
        ("extensions.earlier", json!("seen")),
        ("requestURL.parseURL().query.q", json!("1")),
        (
            "'https://u:p@host:80/a%20b?x=1&x=2#f'.parseURL()",
            json!({
                "auth": {"password": "p", "username": "u"}, "fragment": "f", "host": "host:80", "path": "/a b", "query": {"x": "1,2"},
                "queryStrings": {"x": ["1", "2"]}, "rawQuery": "x=1&x=2", "scheme": "https",
            }),
        ),
        ("'this is $aN INvalid5string '.lowerAscii().translate('[^a-z0-9]+', '')", json!("thisisaninvalid5string")),
        ("'a-b'.translate('(.)-(.)', '$2-$1')", json!("b-a")),
        ("'s3cret'.compareSecret('token', 'hook')", json!(true)),
        ("'guess'.compareSecret('token', 'hook', 'elsewhere')", json!(false)),
        ("sets.contains(body.labels, ['a'])", json!(true)),
        ("sets.intersects(body.labels, ['x'])", json!(false)),
        ("sets.equivalent(body.labels, ['b', 'a', 'b'])", json!(true)),
        ("base64.encode(b'hello')", json!("aGVsbG8=")),
        ("has(body.absent)", json!(false)),
        ("body.commit", json!({"id": 3.5, "sha": "0123456789abcdef"})),
        ("string(int(body.number))", json!("7")),
    ];
    for (expression, expected) in cases {
        assert_eq!(overlay(expression), expected, "{expression}");
    }
}

#[test]
fn a_filter_lets_through_what_it_is_true_for() {
    let filter = |filter: &str| answer(cel::process, &[], json!({ "filter": filter }));
    assert_eq!(filter("body.action in ['opened', 'reopened']"), Ok(json!({})));
    let refused = filter("body.action == 'closed'").expect_err("refused");
    assert_eq!(refused, "rpc error: code = FailedPrecondition desc = expression body.action == 'closed' did not return true");
    assert!(filter("body.action").expect_err("no truth value").contains("did not return true"));
    let error = filter("body.action ==").expect_err("no expression");
    assert!(
        error.starts_with("rpc error: code = InvalidArgument desc = error evaluating cel expression: failed to parse expression"),
        "{error}"
    );
    let error = filter("body.absent.more == 1").expect_err("nothing there");
    assert!(error.contains("failed to evaluate: ") && error.contains("absent"), "{error}");
    assert!(filter("'x'.compareSecret('token', 'nowhere')").expect_err("no such Secret").contains("secrets \"nowhere\" not found"));
}

#[test]
fn a_github_event_needs_its_kind_and_its_signature() {
    let github = |headers: &[(&str, &str)], params: Value| answer(forges::github, headers, params);
    let push = ("X-Github-Event", "push");
    assert_eq!(github(&[push], json!({"eventTypes": ["push", "pull_request"]})), Ok(json!({})));
    assert!(github(&[push], json!({"eventTypes": ["release"]})).expect_err("refused").ends_with("event type push is not allowed"));
    let signed = json!({"secretRef": {"secretName": "hook", "secretKey": "token"}});
    assert!(github(&[push], signed.clone()).expect_err("unsigned").ends_with("no X-Hub-Signature-256 header set"));
    let wrong = ("X-Hub-Signature-256", "sha256=00");
    assert!(github(&[push, wrong], signed).expect_err("wrong").ends_with("payload signature check failed"));
    let no_key = json!({"secretRef": {"secretName": "hook"}});
    assert!(github(&[push], no_key).expect_err("no key").ends_with("github interceptor secretRef.secretKey is empty"));
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    assert!(github(&[push, form], json!({})).expect_err("a form").contains("form parameter encoding not supported"));
}

#[test]
fn a_gitlab_event_needs_its_token() {
    let gitlab = |token: &str| {
        let headers: Vec<_> =
            [("X-Gitlab-Event", "Push Hook"), ("X-Gitlab-Token", token)].into_iter().filter(|(_, v)| !v.is_empty()).collect();
        answer(forges::gitlab, &headers, json!({"eventTypes": ["Push Hook"], "secretRef": {"secretName": "hook", "secretKey": "token"}}))
    };
    assert_eq!(gitlab("s3cret"), Ok(json!({})));
    assert_eq!(gitlab("guess"), Err("rpc error: code = InvalidArgument desc = Invalid X-GitLab-Token".to_owned()));
    assert_eq!(gitlab(""), Err("rpc error: code = InvalidArgument desc = no X-Gitlab-Token header set".to_owned()));
}

#[test]
fn a_bitbucket_event_needs_its_kind_and_its_signature() {
    let bitbucket = |params: Value| answer(forges::bitbucket, &[("X-Event-Key", "repo:push")], params);
    assert_eq!(bitbucket(json!({"eventTypes": ["repo:push"]})), Ok(json!({})));
    let unsigned = bitbucket(json!({"secretRef": {"secretName": "hook", "secretKey": "token"}})).expect_err("unsigned");
    assert!(unsigned.ends_with("no X-Hub-Signature header set"));
}

#[test]
fn the_files_of_a_push_are_added_and_those_of_a_pull_request_cannot_be() {
    let files = |event, body: &str| {
        let headers = BTreeMap::from([("X-Github-Event".to_owned(), vec![String::from(event)])]);
        let params = Map::from_iter([("addChangedFiles".to_owned(), json!({"enabled": true}))]);
        let secrets: Secrets = Arc::new(|_, _| Err("none".to_owned()));
        let request = Request { body, headers: &headers, extensions: &Map::new(), params, url: "/", secrets };
        forges::github(&request).map(Value::Object).map_err(|refusal| refusal.to_string())
    };
    let body = r#"{"repository": {"full_name": "a/b"}, "commits": [{"added": ["x"], "modified": [], "removed": ["y"]}]}"#;
    assert_eq!(files("push", body), Ok(json!({"changed_files": "x,y"})));
    assert_eq!(files("release", body), Ok(json!({})));
    assert!(files("pull_request", body).expect_err("refused").contains("does not ask GitHub"));
    assert!(files("push", "{}").expect_err("refused").contains("'repository.full_name'"));
}

#[test]
fn slack_hands_on_the_fields_that_are_asked_for() {
    let headers = BTreeMap::from([
        ("Content-Type".to_owned(), vec!["application/x-www-form-urlencoded".to_owned()]),
        ("X-Slack-Signature".to_owned(), vec!["v0=1".to_owned()]),
    ]);
    let event = Event { id: String::new(), url: "/".to_owned(), headers, body: "text=hi+there&user=u".to_owned(), extensions: Map::new() };
    let body = form_as_json(&event).expect("a form");
    let ask = |fields: Value| {
        let params = Map::from_iter([("requestedFields".to_owned(), fields)]);
        let secrets: Secrets = Arc::new(|_, _| Err("none".to_owned()));
        let request = Request { body: &body, headers: &event.headers, extensions: &event.extensions, params, url: "/", secrets };
        slack::process(&request).map(Value::Object).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(ask(json!(["text"])), Ok(json!({"text": ["hi there"]})));
    assert!(ask(json!(["absent"])).expect_err("refused").starts_with("rpc error: code = NotFound"));
    assert!(answer(slack::process, &[], json!({})).expect_err("no form").contains("missing header"));
}

#[test]
fn an_address_is_the_services_or_the_one_that_is_given() {
    let service = json!({"service": {"name": CORE.1, "namespace": CORE.0, "path": "cel"}});
    assert_eq!(address(&service).as_deref(), Some("http://tekton-triggers-core-interceptors.tekton-pipelines.svc:80/cel"));
    assert_eq!(unreachable(&service), None);
    assert_eq!(address(&json!({"url": "http://127.0.0.1:1"})).as_deref(), Some("http://127.0.0.1:1"));
    assert!(unreachable(&json!({"url": "https://x"})).is_some_and(|field| field.starts_with("spec.clientConfig.url")));
    assert_eq!(unreachable(&json!({"service": {"name": "own", "namespace": "ns"}})).as_deref(), Some("spec.clientConfig.service"));
}
