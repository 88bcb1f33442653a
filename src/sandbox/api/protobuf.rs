//! Bodies in Kubernetes' protobuf, which kubectl sends for core kinds (`create namespace`, `create role`, `auth can-i`):
//! read into the JSON of the same object. The kinds that kubectl makes so are known here; answers are always JSON. Pure.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

/// What a body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// How a field is written and what it is in JSON.
enum Type {
    Text,
    Texts,
    Number,
    Bool,
    Message(Schema),
    Messages(Schema),
    /// Map from text to text
    TextMap,
    /// Map from text to bytes, base64 in JSON
    BytesMap,
    /// Map from text to quantity, which is a message with a text
    QuantityMap,
    /// What the server owns and takes from nobody: times, managed fields, a status
    Served,
}

/// Number, name and type of each field, as in Kubernetes' `generated.proto`.
type Schema = &'static [(u64, &'static str, Type)];

const OWNER: Schema = &[
    (1, "kind", Type::Text),
    (3, "name", Type::Text),
    (4, "uid", Type::Text),
    (5, "apiVersion", Type::Text),
    (6, "controller", Type::Bool),
    (7, "blockOwnerDeletion", Type::Bool),
];
const METADATA: Schema = &[
    (1, "name", Type::Text),
    (2, "generateName", Type::Text),
    (3, "namespace", Type::Text),
    (4, "selfLink", Type::Served),
    (5, "uid", Type::Text),
    (6, "resourceVersion", Type::Text),
    (7, "generation", Type::Served),
    (8, "creationTimestamp", Type::Served),
    (9, "deletionTimestamp", Type::Served),
    (10, "deletionGracePeriodSeconds", Type::Served),
    (11, "labels", Type::TextMap),
    (12, "annotations", Type::TextMap),
    (13, "ownerReferences", Type::Messages(OWNER)),
    (14, "finalizers", Type::Texts),
    (17, "managedFields", Type::Served),
];
const REFERENCE: Schema = &[
    (1, "kind", Type::Text),
    (2, "namespace", Type::Text),
    (3, "name", Type::Text),
    (4, "uid", Type::Text),
    (5, "apiVersion", Type::Text),
    (6, "resourceVersion", Type::Text),
    (7, "fieldPath", Type::Text),
];
const LOCAL_REFERENCE: Schema = &[(1, "name", Type::Text)];
const SUBJECT: Schema = &[(1, "kind", Type::Text), (2, "apiGroup", Type::Text), (3, "name", Type::Text), (4, "namespace", Type::Text)];
const ROLE_REF: Schema = &[(1, "apiGroup", Type::Text), (2, "kind", Type::Text), (3, "name", Type::Text)];
const RULE: Schema = &[
    (1, "verbs", Type::Texts),
    (2, "apiGroups", Type::Texts),
    (3, "resources", Type::Texts),
    (4, "resourceNames", Type::Texts),
    (5, "nonResourceURLs", Type::Texts),
];
const BINDING: Schema =
    &[(1, "metadata", Type::Message(METADATA)), (2, "subjects", Type::Messages(SUBJECT)), (3, "roleRef", Type::Message(ROLE_REF))];
const ROLE: Schema = &[(1, "metadata", Type::Message(METADATA)), (2, "rules", Type::Messages(RULE))];
const RESOURCE_ATTRIBUTES: Schema = &[
    (1, "namespace", Type::Text),
    (2, "verb", Type::Text),
    (3, "group", Type::Text),
    (4, "version", Type::Text),
    (5, "resource", Type::Text),
    (6, "subresource", Type::Text),
    (7, "name", Type::Text),
];
const PATH_ATTRIBUTES: Schema = &[(1, "path", Type::Text), (2, "verb", Type::Text)];
const REVIEW_SPEC: Schema = &[
    (1, "resourceAttributes", Type::Message(RESOURCE_ATTRIBUTES)),
    (2, "nonResourceAttributes", Type::Message(PATH_ATTRIBUTES)),
    (3, "user", Type::Text),
    (4, "groups", Type::Texts),
    (6, "uid", Type::Text),
];
const REVIEW: Schema = &[(1, "metadata", Type::Message(METADATA)), (2, "spec", Type::Message(REVIEW_SPEC)), (3, "status", Type::Served)];
const RESOURCES: Schema = &[(1, "limits", Type::QuantityMap), (2, "requests", Type::QuantityMap)];
const CLAIM_SPEC: Schema = &[
    (1, "accessModes", Type::Texts),
    (2, "resources", Type::Message(RESOURCES)),
    (3, "volumeName", Type::Text),
    (5, "storageClassName", Type::Text),
    (6, "volumeMode", Type::Text),
];
const PRECONDITIONS: Schema = &[(1, "uid", Type::Text), (2, "resourceVersion", Type::Text)];

/// The kinds that are read.
const KINDS: &[(&str, Schema)] = &[
    (
        "Namespace",
        &[
            (1, "metadata", Type::Message(METADATA)),
            (2, "spec", Type::Message(&[(1, "finalizers", Type::Texts)])),
            (3, "status", Type::Served),
        ],
    ),
    (
        "Secret",
        &[
            (1, "metadata", Type::Message(METADATA)),
            (2, "data", Type::BytesMap),
            (3, "type", Type::Text),
            (4, "stringData", Type::TextMap),
            (5, "immutable", Type::Bool),
        ],
    ),
    (
        "ConfigMap",
        &[
            (1, "metadata", Type::Message(METADATA)),
            (2, "data", Type::TextMap),
            (3, "binaryData", Type::BytesMap),
            (4, "immutable", Type::Bool),
        ],
    ),
    (
        "ServiceAccount",
        &[
            (1, "metadata", Type::Message(METADATA)),
            (2, "secrets", Type::Messages(REFERENCE)),
            (3, "imagePullSecrets", Type::Messages(LOCAL_REFERENCE)),
            (4, "automountServiceAccountToken", Type::Bool),
        ],
    ),
    (
        "PersistentVolumeClaim",
        &[(1, "metadata", Type::Message(METADATA)), (2, "spec", Type::Message(CLAIM_SPEC)), (3, "status", Type::Served)],
    ),
    ("Role", ROLE),
    ("ClusterRole", ROLE),
    ("RoleBinding", BINDING),
    ("ClusterRoleBinding", BINDING),
    ("SubjectAccessReview", REVIEW),
    ("SelfSubjectAccessReview", REVIEW),
    (
        "DeleteOptions",
        &[
            (1, "gracePeriodSeconds", Type::Number),
            (2, "preconditions", Type::Message(PRECONDITIONS)),
            (3, "orphanDependents", Type::Bool),
            (4, "propagationPolicy", Type::Text),
            (5, "dryRun", Type::Texts),
        ],
    ),
];

/// Reads a body; the error is a sentence for the client, and names a field or kind that is not known here.
pub fn decode(bytes: &[u8]) -> Result<Value, String> {
    let envelope = bytes.strip_prefix(MAGIC).ok_or("the body is not in the protobuf of Kubernetes")?;
    let (mut type_meta, mut raw) = (&[][..], &[][..]);
    for field in fields(envelope)? {
        match field {
            (1, Wire::Bytes(bytes)) => type_meta = bytes,
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let named = message("TypeMeta", &[(1, "apiVersion", Type::Text), (2, "kind", Type::Text)], type_meta)?;
    let kind = named["kind"].as_str().unwrap_or_default();
    let Some((_, schema)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        return Err(format!("the sandbox reads a {kind} as JSON only, not as protobuf"));
    };
    let mut object = json!({"apiVersion": named["apiVersion"], "kind": kind});
    let Value::Object(fields) = message(kind, schema, raw)? else { return Ok(object) };
    object.as_object_mut().expect("it was made one above").extend(fields);
    Ok(object)
}

/// A field's value as it stands in the bytes.
enum Wire<'b> {
    Number(u64),
    Bytes(&'b [u8]),
}

fn message(name: &str, schema: Schema, bytes: &[u8]) -> Result<Value, String> {
    let mut object = Map::new();
    for (number, wire) in fields(bytes)? {
        let Some((_, field, kind)) = schema.iter().find(|(known, _, _)| *known == number) else {
            return Err(format!("the sandbox does not know the field {number} of a {name} in protobuf; send JSON"));
        };
        put(&mut object, field, kind, &wire).map_err(|problem| format!("{name}.{field}: {problem}"))?;
    }
    Ok(Value::Object(object))
}

fn put(object: &mut Map<String, Value>, field: &str, kind: &Type, wire: &Wire) -> Result<(), String> {
    let mut add = |value: Value| {
        if let Value::Array(list) = object.entry(field).or_insert_with(|| json!([])) {
            list.push(value);
        }
    };
    match (kind, wire) {
        (Type::Served, _) => {}
        (Type::Texts, Wire::Bytes(bytes)) => add(json!(text(bytes)?)),
        (Type::Messages(schema), Wire::Bytes(bytes)) => add(message(field, schema, bytes)?),
        // What is not set is written as empty text, and left out in JSON.
        (Type::Text, Wire::Bytes([])) => {}
        (Type::Text, Wire::Bytes(bytes)) => drop(object.insert(field.to_owned(), json!(text(bytes)?))),
        (Type::Number, Wire::Number(number)) => drop(object.insert(field.to_owned(), json!(number.cast_signed()))),
        (Type::Bool, Wire::Number(number)) => drop(object.insert(field.to_owned(), json!(*number != 0))),
        (Type::Message(schema), Wire::Bytes(bytes)) => {
            let value = message(field, schema, bytes)?;
            if value.as_object().is_some_and(|fields| !fields.is_empty()) {
                object.insert(field.to_owned(), value);
            }
        }
        (Type::TextMap | Type::BytesMap | Type::QuantityMap, Wire::Bytes(bytes)) => {
            let (key, value) = entry(kind, bytes)?;
            object.entry(field).or_insert_with(|| json!({}))[key] = value;
        }
        _ => return Err("it has another type".to_owned()),
    }
    Ok(())
}

/// Key and value of a map's entry, which is a message of two fields.
fn entry(kind: &Type, bytes: &[u8]) -> Result<(String, Value), String> {
    let (mut key, mut value) = (String::new(), &[][..]);
    for field in fields(bytes)? {
        match field {
            (1, Wire::Bytes(bytes)) => key = text(bytes)?.to_owned(),
            (2, Wire::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    let value = match kind {
        Type::BytesMap => json!(BASE64_STANDARD.encode(value)),
        Type::QuantityMap => message("Quantity", &[(1, "string", Type::Text)], value)?["string"].take(),
        _ => json!(text(value)?),
    };
    Ok((key, value))
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "it is no UTF-8".to_owned())
}

/// The fields of a message with their numbers, in their order.
fn fields(mut bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, String> {
    let cut_off = || "the body ends in the midst of a field".to_owned();
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes).ok_or_else(cut_off)?;
        let wire = match tag & 7 {
            0 => Wire::Number(varint(&mut bytes).ok_or_else(cut_off)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes).ok_or_else(cut_off)?).map_err(|_| cut_off())?;
                let (value, rest) = bytes.split_at_checked(length).ok_or_else(cut_off)?;
                bytes = rest;
                Wire::Bytes(value)
            }
            other => return Err(format!("the body has a field of the wire type {other}, which Kubernetes does not use")),
        };
        fields.push((tag >> 3, wire));
    }
    Ok(fields)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).expect("short");
        [&[number << 3 | 2, length][..], content].concat()
    }

    fn body(kind: &str, raw: &[u8]) -> Vec<u8> {
        let type_meta = [field(1, b"v1"), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &type_meta), field(2, raw), field(3, b""), field(4, b"")].concat()
    }

    #[test]
    fn a_secret_as_kubectl_sends_it() {
        let label = [field(1, b"a"), field(2, b"")].concat();
        let metadata = [field(1, b"s"), field(2, b""), field(8, b""), field(11, &label)].concat();
        let data = [field(1, b"k"), field(2, b"\xff")].concat();
        let raw = [field(1, &metadata), field(2, &data), field(3, b""), vec![5 << 3, 1]].concat();
        let object = decode(&body("Secret", &raw)).expect("read");
        let expected = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": {"a": ""}},
            "data": {"k": "/w=="}, "immutable": true});
        assert_eq!(object, expected);
    }

    #[test]
    fn the_core_group_of_a_rule_is_kept() {
        let rule = [field(1, b"get"), field(2, b""), field(3, b"pods")].concat();
        let object = decode(&body("Role", &field(2, &rule))).expect("read");
        assert_eq!(object["rules"], json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]));
    }

    #[test]
    fn what_is_not_known_is_named() {
        assert!(decode(b"x").is_err());
        assert!(decode(&body("Pod", b"")).expect_err("unknown").contains("Pod"));
        assert!(decode(&body("Role", &field(9, b""))).expect_err("unknown").contains("field 9 of a Role"));
        let whole = body("Secret", &field(1, &field(1, b"name")));
        for end in 0..whole.len() {
            let _ = decode(&whole[..end]);
        }
    }
}
