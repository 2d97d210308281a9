//! Custom resources: schemas embedded for the kinds that labs use, and those of definitions in the hand-in itself.
use super::catalog::{BASE, Catalog, Definition, Field, Packed, packed};
use super::costs;
use crate::engine::yaml::Node;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

static PACKED: Packed = packed!("custom-resources");
static EMBEDDED: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    PACKED.index.iter().map(|one| Kind { from: From::Embedded(Definition::new(&PACKED, *one)), ..Kind::new(one.1, one.2, Value::Null) }).collect()
});

/// A kind that a CustomResourceDefinition defines.
pub struct Kind {
    pub api: String,
    pub kind: String,
    from: From,
    /// The strict form of the definition's schema, made when first asked for.
    strict: OnceLock<Value>,
    /// By the version of Kubernetes whose definitions it refers to.
    compiled: Mutex<HashMap<&'static str, Arc<Validator>>>,
}

/// Where a kind's schema comes from.
enum From {
    Embedded(Definition),
    HandIn(Value),
}

impl Kind {
    fn new(api: impl Into<String>, kind: impl Into<String>, openapi: Value) -> Kind {
        Kind { api: api.into(), kind: kind.into(), from: From::HandIn(openapi), strict: OnceLock::new(), compiled: Mutex::new(HashMap::new()) }
    }

    fn schema(&self) -> &Value {
        self.strict.get_or_init(|| match &self.from {
            From::Embedded(definition) => strict_root(&definition.read()),
            From::HandIn(openapi) => strict_root(openapi),
        })
    }

    /// Whether an object can be held to the schema of a definition in the hand-in: it may be no schema, or cost too much.
    pub fn usable(&self, catalog: &Catalog, root: &Node) -> Result<(), String> {
        self.validator(catalog)?;
        costs::too_much(root, self.field(catalog)).map_or(Ok(()), Err)
    }

    pub fn field<'a>(&'a self, catalog: &'a Catalog) -> Field<'a> {
        Field::root(catalog, self.schema())
    }

    pub fn validator(&self, catalog: &Catalog) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(catalog.version) {
            return Ok(Arc::clone(known));
        }
        if let (From::HandIn(_), Some(why)) = (&self.from, costs::too_large(self.schema())) {
            return Err(why);
        }
        let validator = Arc::new(catalog.compile(self.schema())?);
        compiled.insert(catalog.version, Arc::clone(&validator));
        Ok(validator)
    }
}

/// The kinds whose schemas are embedded.
pub fn embedded() -> &'static [Kind] {
    &EMBEDDED
}

/// The kinds that a CustomResourceDefinition of the hand-in defines, one for each served version.
pub fn defined_by(root: &Node) -> Vec<Kind> {
    let text = |keys: &[&str]| root.path(keys).and_then(Node::as_str);
    if text(&["kind"]) != Some("CustomResourceDefinition") {
        return Vec::new();
    }
    let (Some(group), Some(kind)) = (text(&["spec", "group"]), text(&["spec", "names", "kind"])) else { return Vec::new() };
    let versions = root.path(&["spec", "versions"]).map_or(&[][..], Node::items);
    let served = versions.iter().filter(|v| v.get("served").and_then(Node::as_bool) != Some(false));
    let each = served.filter_map(|v| Some((v.get("name")?.as_str()?, v.path(&["schema", "openAPIV3Schema"])?)));
    each.map(|(version, schema)| Kind::new(format!("{group}/{version}"), kind, schema.to_json())).collect()
}

fn strict_root(openapi: &Value) -> Value {
    let mut schema = strict(openapi, true);
    if let Some(properties) = schema.as_object_mut().map(|s| s.entry("properties").or_insert_with(|| json!({}))).and_then(Value::as_object_mut) {
        properties.insert("apiVersion".into(), json!({ "type": "string" }));
        properties.insert("kind".into(), json!({ "type": "string" }));
        properties.insert("metadata".into(), reference("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", &Value::Null));
        properties.insert("status".into(), json!({}));
    }
    schema
}

fn reference(definition: &str, description: &Value) -> Value {
    let mut to = json!({ "$ref": format!("{BASE}#/$defs/{definition}") });
    if description.is_string() {
        to["description"] = description.clone();
    }
    to
}

/// A structural schema (apiextensions.k8s.io/v1) as JSON schema that refuses unknown fields, as the API does with strict validation.
/// `fields` is false within anyOf and its like, where a schema only constrains values and names no fields.
fn strict(openapi: &Value, fields: bool) -> Value {
    let Some(from) = openapi.as_object() else { return openapi.clone() };
    if let Some(definition) = openapi["$ref"].as_str() {
        // Only our own data refers to definitions, the API takes no references; a name without a path can't leave the catalog.
        return reference(definition.rsplit('/').next().unwrap_or(definition), &openapi["description"]);
    }
    let open = openapi["x-kubernetes-preserve-unknown-fields"] == true;
    if openapi["x-kubernetes-int-or-string"] == true {
        let quantity = openapi["pattern"].as_str().is_some_and(|p| p.starts_with("^(\\+|-)?(([0-9]+"));
        return reference(
            if quantity { "io.k8s.apimachinery.pkg.api.resource.Quantity" } else { "io.k8s.apimachinery.pkg.util.intstr.IntOrString" },
            &openapi["description"],
        );
    }
    let mut to = Map::new();
    for (key, value) in from {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                let each = properties.iter().map(|(name, schema)| (name.clone(), strict(schema, fields)));
                to.insert(key.clone(), Value::Object(each.collect()));
            }
            ("items" | "additionalProperties", Value::Object(_)) => drop(to.insert(key.clone(), strict(value, fields))),
            ("not", Value::Object(_)) => drop(to.insert(key.clone(), strict(value, false))),
            // The API fills defaults in first, so that of several forms one is left; without them more than one may fit.
            ("oneOf", Value::Array(each)) if !from.contains_key("anyOf") => {
                to.insert("anyOf".into(), each.iter().map(|s| strict(s, false)).collect());
            }
            ("anyOf" | "allOf", Value::Array(each)) => drop(to.insert(key.clone(), each.iter().map(|s| strict(s, false)).collect())),
            ("type", Value::String(name)) if openapi["nullable"] == true => drop(to.insert(key.clone(), json!([name, "null"]))),
            (
                "type"
                | "required"
                | "enum"
                | "pattern"
                | "description"
                | "minimum"
                | "maximum"
                | "exclusiveMinimum"
                | "exclusiveMaximum"
                | "minLength"
                | "maxLength"
                | "minItems"
                | "maxItems"
                | "uniqueItems"
                | "multipleOf"
                | "minProperties"
                | "maxProperties"
                | "additionalProperties",
                _,
            ) => drop(to.insert(key.clone(), value.clone())),
            _ => {}
        }
    }
    // Draft 4, which the API speaks, has booleans here.
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        match to.get(exclusive) {
            Some(Value::Bool(true)) => {
                let limit = to.shift_remove(bound).unwrap_or(Value::Null);
                to.insert(exclusive.into(), limit);
            }
            Some(Value::Bool(false)) => drop(to.shift_remove(exclusive)),
            _ => {}
        }
    }
    if fields && !open && to.contains_key("properties") && !to.contains_key("additionalProperties") {
        to.insert("additionalProperties".into(), Value::Bool(false));
    }
    Value::Object(to)
}

#[cfg(test)]
mod tests {
    use crate::engine::kubernetes::tests::schema;

    #[test]
    fn kinds_of_other_projects_are_known() {
        for (object, says) in [
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec: {project: default, destination: {namespace: a}, source: {repoURL: b, path: c}}",
                None,
            ),
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec: {project: default, destinaton: {namespace: a}}",
                Some("did you mean `destination`?"),
            ),
            ("apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata: {name: a}\nspec: {sourceRepo: []}", Some("did you mean `sourceRepos`?")),
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: a}\nspec: {generators: []}",
                Some("needs the field `template`"),
            ),
            (
                "apiVersion: argoproj.io/v1alpha1\nkind: ClusterAnalysisTemplate\nmetadata: {name: a}\nspec: {metric: []}",
                Some("did you mean `metrics`?"),
            ),
            ("apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: a}\nspec: {replicas: 2, retention: 7d}", None),
            ("apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: a}\nspec: {replicas: two}", Some("must be a whole number")),
            (
                "apiVersion: leaderworkerset.x-k8s.io/v1\nkind: LeaderWorkerSet\nmetadata: {name: a}\nspec: {replica: 2}",
                Some("did you mean `replicas`?"),
            ),
            (
                "apiVersion: jobset.x-k8s.io/v1alpha2\nkind: JobSet\nmetadata: {name: a}\nspec: {replicatedJob: []}",
                Some("did you mean `replicatedJobs`?"),
            ),
        ] {
            let said = schema(&format!("{object}\n"));
            match says {
                None => assert!(said.is_empty(), "{object}\n{said}"),
                Some(says) => assert!(said.contains(says), "{object}: wanted {says}\n{said}"),
            }
        }
    }
}
