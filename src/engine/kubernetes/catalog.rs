//! The API's schemas: a version is opened when first asked for, a kind compiled when first met.
use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The versions whose schemas are embedded, oldest first.
pub const VERSIONS: [&str; 3] = ["1.35", "1.36", "1.37"];
/// The base of all references between schemas.
pub const BASE: &str = "https://kubernetes.io/api/_definitions.json";
static PACKED: [&[u8]; 3] = [
    include_bytes!("../data/kubernetes-1.35.json.gz"),
    include_bytes!("../data/kubernetes-1.36.json.gz"),
    include_bytes!("../data/kubernetes-1.37.json.gz"),
];
static OPENED: [OnceLock<Result<Catalog, String>>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];

/// One version's schemas. About 10 MB once open, so only a process that grades opens any.
pub struct Catalog {
    pub version: &'static str,
    definitions: Arc<Value>,
    /// `(apiVersion, kind)` to the definition's name.
    kinds: BTreeMap<(String, String), String>,
    registry: Registry<'static>,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Catalog {
    /// The catalog of `version` (`1.36`), or a sentence that says why there is none.
    pub fn open(version: &str) -> Result<&'static Catalog, String> {
        let Some(n) = VERSIONS.iter().position(|v| *v == version) else {
            return Err(format!("there are no schemas for Kubernetes {version}; known are {}", VERSIONS.join(", ")));
        };
        OPENED[n]
            .get_or_init(|| Catalog::unpack(n).map_err(|e| format!("the embedded schemas of {version} can't be read: {e}")))
            .as_ref()
            .map_err(Clone::clone)
    }

    fn unpack(n: usize) -> Result<Catalog, String> {
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(PACKED[n]).read_to_end(&mut text).map_err(|e| e.to_string())?;
        let definitions: Arc<Value> = Arc::new(serde_json::from_slice(&text).map_err(|e| e.to_string())?);
        drop(text);
        let mut kinds = BTreeMap::new();
        for (name, schema) in definitions["$defs"].as_object().into_iter().flatten() {
            // Several groups at once mean a helper of every group, like DeleteOptions: nothing one hands in.
            let Some([one]) = schema["x-kubernetes-group-version-kind"].as_array().map(Vec::as_slice) else { continue };
            let (group, version, kind) =
                (one["group"].as_str().unwrap_or(""), one["version"].as_str().unwrap_or(""), one["kind"].as_str().unwrap_or(""));
            let api = if group.is_empty() { version.to_string() } else { format!("{group}/{version}") };
            kinds.insert((api, kind.to_string()), name.clone());
        }
        let registry =
            Registry::new().add(BASE, Arc::clone(&definitions)).and_then(jsonschema::RegistryBuilder::prepare).map_err(|e| e.to_string())?;
        Ok(Catalog { version: VERSIONS[n], definitions, kinds, registry, compiled: Mutex::new(HashMap::new()) })
    }

    /// The definition that describes this kind.
    pub fn definition(&self, api_version: &str, kind: &str) -> Option<&str> {
        self.kinds.get(&(api_version.to_string(), kind.to_string())).map(String::as_str)
    }

    /// All `(apiVersion, kind)` pairs, lists of objects excepted.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str)> {
        self.kinds.keys().filter(|(_, kind)| !kind.ends_with("List")).map(|(api, kind)| (api.as_str(), kind.as_str()))
    }

    pub fn validator(&self, definition: &str) -> Result<Arc<Validator>, String> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(definition) {
            return Ok(Arc::clone(known));
        }
        let validator = Arc::new(self.compile(&json!({ "$ref": format!("{BASE}#/$defs/{definition}") }))?);
        compiled.insert(definition.to_string(), Arc::clone(&validator));
        Ok(validator)
    }

    /// Compiles a schema that may refer to this version's definitions. Patterns are matched in linear time, whoever wrote them.
    pub fn compile(&self, schema: &Value) -> Result<Validator, String> {
        let options = jsonschema::options().with_registry(&self.registry).with_pattern_options(PatternOptions::regex());
        options.build(schema).map_err(|e| e.to_string())
    }

    /// The schema of a definition.
    pub fn schema(&self, definition: &str) -> Option<Field<'_>> {
        self.definitions["$defs"].get_key_value_checked(definition).map(|(name, schema)| Field {
            catalog: self,
            definition: Some(name),
            schema,
            here: schema,
        })
    }
}

trait GetKey {
    fn get_key_value_checked(&self, key: &str) -> Option<(&str, &Value)>;
}

impl GetKey for Value {
    fn get_key_value_checked(&self, key: &str) -> Option<(&str, &Value)> {
        self.as_object()?.get_key_value(key).map(|(k, v)| (k.as_str(), v))
    }
}

/// A place in the schemas: what a field may hold, and what it is for.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    catalog: &'a Catalog,
    /// The definition this field's value is an instance of: `io.k8s.api.core.v1.Container`.
    pub definition: Option<&'a str>,
    /// What the value must look like, references followed.
    pub schema: &'a Value,
    /// Where the field is declared; its description is more to the point than the definition's.
    here: &'a Value,
}

impl<'a> Field<'a> {
    /// The whole of a schema that is no definition of the catalog.
    pub fn root(catalog: &'a Catalog, schema: &'a Value) -> Field<'a> {
        Field { catalog, definition: None, schema, here: schema }
    }

    fn of(catalog: &'a Catalog, here: &'a Value) -> Option<Field<'a>> {
        match here["$ref"].as_str() {
            Some(reference) => {
                let name = reference.rsplit('/').next()?;
                catalog.schema(name).map(|to| Field { here, ..to })
            }
            None => Some(Field { catalog, definition: None, schema: here, here }),
        }
    }

    /// One step down: a key of a mapping, or an item of a list.
    pub fn step(&self, key: &str) -> Option<Field<'a>> {
        if let Some(property) = self.schema["properties"].get(key) {
            return Field::of(self.catalog, property);
        }
        match &self.schema["additionalProperties"] {
            inner @ Value::Object(_) => Field::of(self.catalog, inner),
            _ => self.item().filter(|_| key.bytes().all(|b| b.is_ascii_digit())),
        }
    }

    pub fn item(&self) -> Option<Field<'a>> {
        match &self.schema["items"] {
            inner @ Value::Object(_) => Field::of(self.catalog, inner),
            _ => None,
        }
    }

    pub fn properties(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        let catalog = self.catalog;
        self.schema["properties"].as_object().into_iter().flatten().filter_map(move |(k, v)| Field::of(catalog, v).map(|f| (k.as_str(), f)))
    }

    pub fn has(&self, key: &str) -> bool {
        self.schema["properties"].get(key).is_some()
    }

    /// Whether this is an instance of the definition whose name ends so: `core.v1.Container`.
    pub fn is(&self, definition: &str) -> bool {
        self.definition.is_some_and(|d| d.strip_suffix(definition).is_some_and(|rest| rest.ends_with('.')))
    }

    /// The first sentence or two of what the API's documentation says the field is for.
    pub fn about(&self) -> Option<String> {
        let text = self.here["description"].as_str().or_else(|| self.schema["description"].as_str())?;
        let text = text.split("\n\n").next()?.split(" More info:").next()?.replace('\n', " ");
        // Notes of the API's authors to themselves.
        let sentences: Vec<&str> = text.split_inclusive(". ").filter(|s| !s.starts_with("This is a pointer")).collect();
        let text = sentences.concat();
        let text = text.trim();
        let mut end = 0;
        for (at, _) in text.match_indices(". ") {
            if at > 220 {
                break;
            }
            end = at + 1;
            if end > 120 {
                break;
            }
        }
        let cut = if end == 0 || text.len() <= 240 { text } else { &text[..end] };
        (!cut.is_empty()).then(|| cut.to_string())
    }

    /// The keys that tell items of this list apart, if the API says so: a container's `name`.
    pub fn list_keys(&self) -> Vec<&'a str> {
        let here = self.here["x-kubernetes-list-map-keys"].as_array().or_else(|| self.schema["x-kubernetes-list-map-keys"].as_array());
        here.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}
