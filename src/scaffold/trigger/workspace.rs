//! How a workspace of a run is written on the command line of `trigger create`.

use serde_json::{Value, json};

use crate::objects::name::is_subdomain;
use crate::objects::shape::quantity::is_quantity;

/// What may stand behind `NAME=`, for messages.
const FORMS: &str = "emptyDir, emptyDir:Memory, pvc:CLAIM, secret:NAME, config:NAME or claim:SIZE, then ,class=… ,mode=… ,subPath=…";

/// The access modes of a claim (Kubernetes, "Persistent Volumes").
const MODES: [&str; 4] = ["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];

/// Reads `shared-data=emptyDir`, `src=pvc:claim,subPath=a`, `src=claim:1Gi,class=fast,mode=ReadWriteMany` as the
/// binding of a workspace.
///
/// # Errors
/// What is wrong with it.
pub fn workspace(text: &str) -> Result<Value, String> {
    let (name, source) = text.split_once('=').ok_or_else(|| format!("{text:?}: give NAME=SOURCE, where SOURCE is {FORMS}"))?;
    let mut parts = source.split(',');
    let (kind, value) = parts.next().map(|first| first.split_once(':').unwrap_or((first, ""))).unwrap_or_default();
    let mut options = Options::default();
    for option in parts {
        options.read(option)?;
    }
    let (field, body) = match (kind, value) {
        ("emptyDir", "") => ("emptyDir", json!({})),
        ("emptyDir", medium @ ("Memory" | "HugePages")) => ("emptyDir", json!({"medium": medium})),
        ("pvc", claim) if is_subdomain(claim) => ("persistentVolumeClaim", json!({"claimName": claim})),
        ("secret", name) if is_subdomain(name) => ("secret", json!({"secretName": name})),
        ("config", name) if is_subdomain(name) => ("configMap", json!({"name": name})),
        ("claim", size) if is_quantity(size) && !size.starts_with('-') => ("volumeClaimTemplate", options.claim(size)),
        ("claim", size) if !size.is_empty() => return Err(format!("{size:?} is no size: give an amount such as 1Gi or 500Mi")),
        ("pvc" | "secret" | "config", name) if !name.is_empty() => return Err(format!("{name:?} cannot be the name of an object")),
        _ => return Err(format!("{source:?} is no source of a workspace: there are {FORMS}")),
    };
    if (options.class.is_some() || options.mode.is_some()) && kind != "claim" {
        return Err(format!("class= and mode= belong to claim:SIZE, not to {kind}"));
    }
    let mut binding = json!({"name": name});
    if let Some(path) = options.sub_path {
        binding["subPath"] = path.into();
    }
    binding[field] = body;
    Ok(binding)
}

#[derive(Default)]
struct Options<'a> {
    class: Option<&'a str>,
    mode: Option<&'a str>,
    sub_path: Option<&'a str>,
}

impl<'a> Options<'a> {
    fn read(&mut self, option: &'a str) -> Result<(), String> {
        match option.split_once('=') {
            Some(("class", value)) if value.is_empty() || is_subdomain(value) => self.class = Some(value),
            Some(("class", value)) => return Err(format!("{value:?} cannot be the name of a StorageClass")),
            Some(("mode", value)) if MODES.contains(&value) => self.mode = Some(value),
            Some(("mode", value)) => return Err(format!("{value:?} is no access mode: there are {}", MODES.join(", "))),
            Some(("subPath", value)) => self.sub_path = Some(value),
            _ => return Err(format!("{option:?} is no option of a workspace: there are class=, mode= and subPath=")),
        }
        Ok(())
    }

    fn claim(&self, size: &str) -> Value {
        let mut spec = json!({"accessModes": [self.mode.unwrap_or("ReadWriteOnce")], "resources": {"requests": {"storage": size}}});
        if let Some(class) = self.class {
            spec["storageClassName"] = class.into();
        }
        json!({"spec": spec})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_becomes_its_field() {
        assert_eq!(workspace("d=emptyDir"), Ok(json!({"name": "d", "emptyDir": {}})));
        assert_eq!(
            workspace("d=pvc:c,subPath=a/b"),
            Ok(json!({"name": "d", "subPath": "a/b", "persistentVolumeClaim": {"claimName": "c"}}))
        );
        assert_eq!(workspace("d=secret:s"), Ok(json!({"name": "d", "secret": {"secretName": "s"}})));
        assert_eq!(workspace("d=config:c"), Ok(json!({"name": "d", "configMap": {"name": "c"}})));
        let claim = workspace("d=claim:1Gi,class=fast").expect("a claim");
        assert_eq!(claim["volumeClaimTemplate"]["spec"]["storageClassName"], "fast");
        assert_eq!(claim["volumeClaimTemplate"]["spec"]["accessModes"], json!(["ReadWriteOnce"]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for wrong in ["d", "d=", "d=pvc", "d=emptyDir:Disk", "d=emptyDir,class=x", "d=pvc:c,size=1"] {
            assert!(workspace(wrong).is_err(), "{wrong}");
        }
        let said = |wrong: &str| workspace(wrong).expect_err(wrong);
        assert!(said("d=claim:1Gx").contains("\"1Gx\" is no size"));
        assert!(said("d=claim:1Gi,mode=RWO").contains("ReadWriteOnce, ReadOnlyMany"));
        assert!(said("d=claim:1Gi,class=Fast_").contains("StorageClass"));
        assert!(said("d=secret:A_b").contains("\"A_b\""));
    }
}
