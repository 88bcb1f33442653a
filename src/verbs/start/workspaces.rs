//! Workspaces of the command line: `name=w,claimName=c,subPath=p`.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// Reads `-w`, files through `load`; several of one name are one, and the last counts.
///
/// # Errors
/// As tkn words them.
pub(super) fn parse(given: &[String], load: impl Fn(&Path) -> Result<Value, Failure>) -> Result<Vec<Value>, Failure> {
    let mut workspaces: Vec<Value> = Vec::with_capacity(given.len());
    for text in given {
        let workspace = one(text, &load)?;
        workspaces.retain(|known| known["name"] != workspace["name"]);
        workspaces.push(workspace);
    }
    Ok(workspaces)
}

fn one(text: &str, load: &impl Fn(&Path) -> Result<Value, Failure>) -> Result<Value, Failure> {
    let parts: Vec<(&str, Option<&str>)> =
        text.split(',').map(|part| part.split_once('=').map_or((part, None), |(key, value)| (key, Some(value)))).collect();
    let get = |key: &str| parts.iter().find(|(k, _)| *k == key).map(|(_, value)| *value);
    let invalid = || Failure::usage(format!("invalid input format for workspace : {text}"));
    let value = |key: &str| get(key).map(|value| value.ok_or_else(invalid)).transpose();
    let name = value("name")?.ok_or_else(|| Failure::usage("Name not found for workspace"))?;
    let mut binding = Map::from_iter([("name".to_owned(), Value::from(name))]);
    if let Some(path) = value("subPath")? {
        binding.insert("subPath".into(), path.into());
    }
    // A file says all that there is to say, so it wins over the other sources.
    for (key, field) in [("volumeClaimTemplateFile", "volumeClaimTemplate"), ("csiFile", "csi")] {
        if let Some(file) = value(key)? {
            binding.insert(field.into(), load(Path::new(file))?);
            return Ok(Value::Object(binding));
        }
    }
    let items = items(&parts)?;
    let with_items = |mut source: Value| {
        if !items.is_empty() {
            source["items"] = items.clone().into();
        }
        source
    };
    let sources = [
        value("config")?.map(|name| ("configMap", with_items(json!({"name": name})))),
        value("secret")?.map(|name| ("secret", with_items(json!({"secretName": name})))),
        value("emptyDir")?.map(|medium| empty_dir(medium).map(|dir| ("emptyDir", dir)).ok_or_else(invalid)).transpose()?,
        value("claimName")?.map(|claim| ("persistentVolumeClaim", json!({"claimName": claim}))),
    ];
    let mut sources = sources.into_iter().flatten();
    match (sources.next(), sources.next()) {
        (Some((field, source)), None) => {
            binding.insert(field.into(), source);
            Ok(Value::Object(binding))
        }
        _ => Err(invalid()),
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
    let item = |value: &Option<&str>| {
        let value = value.ok_or_else(|| Failure::usage("invalid item"))?;
        let (key, path) = value.split_once('=').ok_or_else(|| Failure::usage("invalid key value"))?;
        Ok(json!({"key": key, "path": path}))
    };
    parts.iter().filter(|(key, _)| *key == "item").map(|(_, value)| item(value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(given: &[&str]) -> Result<Vec<Value>, String> {
        let given: Vec<String> = given.iter().map(|s| (*s).to_owned()).collect();
        parse(&given, |file| Ok(json!({"from": file.display().to_string()}))).map_err(|failure| failure.message)
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
    fn errors_are_worded_as_tkn_words_them() {
        assert_eq!(parsed(&["emptyDir="]), Err("Name not found for workspace".into()));
        for wrong in ["name=w", "name=w,emptyDir=Disk", "name=w,emptyDir=,claimName=c", "name=w,claimName"] {
            assert_eq!(parsed(&[wrong]), Err(format!("invalid input format for workspace : {wrong}")));
        }
        assert_eq!(parsed(&["name=w,secret=s,item=k"]), Err("invalid key value".into()));
    }
}
