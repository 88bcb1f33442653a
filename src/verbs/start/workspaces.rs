//! Workspaces of the command line: `name=w,claimName=c,subPath=p`.

use serde_json::{Value, json};

use crate::failure::Failure;

/// A workspace as it was typed: what it is about is known, and a file that it names is not read yet.
#[derive(Debug, PartialEq)]
pub(super) struct Typed {
    binding: Value,
    /// The field that the file fills, and the file
    file: Option<(&'static str, String)>,
}

impl Typed {
    /// The file to read, with the field that it fills.
    pub(super) fn file(&self) -> Option<(&'static str, &str)> {
        self.file.as_ref().map(|(field, file)| (*field, file.as_str()))
    }

    /// The workspace, with the content of its file where it names one.
    pub(super) fn with(mut self, content: Option<Value>) -> Value {
        if let (Some((field, _)), Some(content)) = (self.file, content) {
            self.binding[field] = content;
        }
        self.binding
    }
}

/// Those of one name are one, and the last counts.
pub(super) fn last_of_each(given: Vec<Value>) -> Vec<Value> {
    let mut workspaces: Vec<Value> = Vec::with_capacity(given.len());
    for workspace in given {
        workspaces.retain(|known| known["name"] != workspace["name"]);
        workspaces.push(workspace);
    }
    workspaces
}

/// Reads one `-w`.
///
/// # Errors
/// As tkn words them.
pub(super) fn parse(text: &str) -> Result<Typed, Failure> {
    let parts: Vec<(&str, Option<&str>)> =
        text.split(',').map(|part| part.split_once('=').map_or((part, None), |(key, value)| (key, Some(value)))).collect();
    let get = |key: &str| parts.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
    let invalid = |what: &str| Failure::usage(format!("invalid input format for workspace : {what}"));
    // A key without a value is wrong for some keys, and as if it were not there for others: so tkn has it.
    let value = |key: &str| get(key).map(|value| value.ok_or_else(|| invalid(key))).transpose();
    let name = get("name").flatten().ok_or_else(|| Failure::usage("Name not found for workspace"))?;
    let mut binding = json!({"name": name});
    if let Some(path) = value("subPath")? {
        binding["subPath"] = path.into();
    }
    // A file says all that there is to say, so it wins over the other sources.
    for (key, field) in [("volumeClaimTemplateFile", "volumeClaimTemplate"), ("csiFile", "csi")] {
        if let Some(file) = get(key).flatten() {
            return Ok(Typed { binding, file: Some((field, file.to_owned())) });
        }
    }
    let with_items = |mut source: Value| {
        let items = items(&parts)?;
        if !items.is_empty() {
            source["items"] = items.into();
        }
        Ok::<_, Failure>(source)
    };
    let sources = [
        value("config")?.map(|name| Ok::<_, Failure>(("configMap", with_items(json!({"name": name}))?))).transpose()?,
        value("secret")?.map(|name| Ok::<_, Failure>(("secret", with_items(json!({"secretName": name}))?))).transpose()?,
        get("emptyDir").flatten().and_then(empty_dir).map(|dir| ("emptyDir", dir)),
        get("claimName").flatten().map(|claim| ("persistentVolumeClaim", json!({"claimName": claim}))),
    ];
    let mut sources = sources.into_iter().flatten();
    match (sources.next(), sources.next()) {
        (Some((field, source)), None) => {
            binding[field] = source;
            Ok(Typed { binding, file: None })
        }
        _ => Err(invalid(text)),
    }
}

/// The media of an emptyDir.
pub(super) fn empty_dir(medium: &str) -> Option<Value> {
    match medium {
        "" => Some(json!({})),
        "Memory" | "HugePages" => Some(json!({"medium": medium})),
        _ => None,
    }
}

fn items(parts: &[(&str, Option<&str>)]) -> Result<Vec<Value>, Failure> {
    let one = |value: &Option<&str>| item(value.ok_or_else(|| Failure::usage("invalid item"))?);
    parts.iter().filter(|(key, _)| *key == "item").map(|(_, value)| one(value)).collect()
}

/// `key=path`
pub(super) fn item(text: &str) -> Result<Value, Failure> {
    let (key, path) = text.split_once('=').ok_or_else(|| Failure::usage("invalid key value").hint("an item is KEY=PATH"))?;
    Ok(json!({"key": key, "path": path}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(given: &[&str]) -> Result<Vec<Value>, String> {
        let one = |text: &&str| {
            let typed = parse(text).map_err(|failure| failure.message)?;
            let content = typed.file().map(|(_, file)| json!({"from": file}));
            Ok(typed.with(content))
        };
        given.iter().map(one).collect::<Result<Vec<_>, _>>().map(last_of_each)
    }

    #[test]
    fn each_source_becomes_its_field() {
        assert_eq!(parsed(&["name=w,emptyDir="]), Ok(vec![json!({"name": "w", "emptyDir": {}})]));
        assert_eq!(parsed(&["name=w,emptyDir=Memory"]), Ok(vec![json!({"name": "w", "emptyDir": {"medium": "Memory"}})]));
        assert_eq!(
            parsed(&["name=w,claimName=c,subPath=a"]),
            Ok(vec![json!({"name": "w", "subPath": "a", "persistentVolumeClaim": {"claimName": "c"}})])
        );
        assert_eq!(
            parsed(&["name=w,secret=s,item=k=p"]),
            Ok(vec![json!({"name": "w", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}})])
        );
        assert_eq!(parsed(&["name=w,config=c"]), Ok(vec![json!({"name": "w", "configMap": {"name": "c"}})]));
        assert_eq!(
            parsed(&["name=w,volumeClaimTemplateFile=f.yaml"]),
            Ok(vec![json!({"name": "w", "volumeClaimTemplate": {"from": "f.yaml"}})])
        );
    }

    #[test]
    fn what_counts_for_nothing_is_left_aside_as_tkn_leaves_it() {
        let expected = json!({"name": "w", "persistentVolumeClaim": {"claimName": "c"}});
        for odd in
            ["name=w,emptyDir=Disk,claimName=c", "name=w,claimName=c,item=k", "name=w,claimName=c,other=x", "name=w,claimName=c,csiFile"]
        {
            assert_eq!(parsed(&[odd]), Ok(vec![expected.clone()]), "{odd}");
        }
        assert_eq!(parsed(&["name=w,emptyDir=", "name=w,claimName=c"]), Ok(vec![expected]), "the last counts");
    }

    #[test]
    fn errors_are_worded_as_tkn_words_them() {
        assert_eq!(parsed(&["emptyDir="]), Err("Name not found for workspace".into()));
        assert_eq!(parsed(&["name,emptyDir="]), Err("Name not found for workspace".into()));
        for wrong in ["name=w", "name=w,emptyDir=Disk", "name=w,emptyDir=,claimName=c", "name=w,claimName", "name=w,emptyDir"] {
            assert_eq!(parsed(&[wrong]), Err(format!("invalid input format for workspace : {wrong}")));
        }
        assert_eq!(parsed(&["name=w,subPath,emptyDir="]), Err("invalid input format for workspace : subPath".into()));
        assert_eq!(parsed(&["name=w,secret"]), Err("invalid input format for workspace : secret".into()));
        assert_eq!(parsed(&["name=w,config=c,item"]), Err("invalid item".into()));
        assert_eq!(parsed(&["name=w,secret=s,item=k"]), Err("invalid key value".into()));
    }
}
