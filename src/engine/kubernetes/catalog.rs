//! The API's schemas: a version is opened when first asked for, a kind compiled when first met.
use jsonschema::{PatternOptions, Registry, Validator};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The versions whose schemas are embedded, oldest first.
pub const VERSIONS: [&str; 3] = ["1.35", "1.36", "1.37"];
/// The largest that a pattern may become when it is compiled, in bytes: a few characters can ask for gigabytes.
const PATTERN: usize = 256 << 10;
/// The base of all references between schemas.
pub const BASE: &str = "https://kubernetes.io/api/_definitions.json";
static OPENED: [OnceLock<Catalog>; 3] = [OnceLock::new(), OnceLock::new(), OnceLock::new()];

/// What `build.rs` made of a file of schemas: the text of all of them, and where in it each stands.
pub struct Packed {
    pub text: &'static str,
    pub index: &'static [Indexed],
}

/// One schema's name, the `apiVersion` and `kind` it describes (empty for parts of kinds), and its range in the text.
pub type Indexed = (&'static str, &'static str, &'static str, usize, usize);

macro_rules! packed {
    ($name:literal) => {
        $crate::engine::kubernetes::catalog::Packed {
            text: include_str!(concat!(env!("OUT_DIR"), "/", $name, ".txt")),
            index: include!(concat!(env!("OUT_DIR"), "/", $name, ".rs")),
        }
    };
}
pub(super) use packed;

static PACKED: [Packed; 3] = [packed!("kubernetes-1.35"), packed!("kubernetes-1.36"), packed!("kubernetes-1.37")];

/// One version's schemas, each read when it is first asked for: a hand-in meets a few of the hundreds.
pub struct Catalog {
    pub version: &'static str,
    definitions: HashMap<&'static str, Definition>,
    /// `(apiVersion, kind)` to the definition's name.
    kinds: BTreeMap<(&'static str, &'static str), &'static str>,
    compiled: Mutex<HashMap<String, Arc<Validator>>>,
}

/// A schema that is parsed at most once.
pub struct Definition {
    text: &'static str,
    parsed: OnceLock<Value>,
}

impl Definition {
    pub fn new(packed: &'static Packed, (_, _, _, start, end): Indexed) -> Definition {
        Definition { text: packed.text.get(start..end).unwrap_or("null"), parsed: OnceLock::new() }
    }

    pub fn schema(&self) -> &Value {
        self.parsed.get_or_init(|| self.read())
    }

    /// The schema, not kept.
    pub fn read(&self) -> Value {
        serde_json::from_str(self.text).unwrap_or_default()
    }
}

impl Catalog {
    /// The catalog of `version` (`1.36`), or a sentence that says why there is none.
    pub fn open(version: &str) -> Result<&'static Catalog, String> {
        let Some(n) = VERSIONS.iter().position(|v| *v == version) else {
            return Err(format!("there are no schemas for Kubernetes {version}; known are {}", VERSIONS.join(", ")));
        };
        Ok(OPENED[n].get_or_init(|| {
            let packed = &PACKED[n];
            Catalog {
                version: VERSIONS[n],
                definitions: packed.index.iter().map(|one| (one.0, Definition::new(packed, *one))).collect(),
                kinds: packed.index.iter().filter(|one| !one.2.is_empty()).map(|(name, api, kind, ..)| ((*api, *kind), *name)).collect(),
                compiled: Mutex::new(HashMap::new()),
            }
        }))
    }

    /// The definition that describes this kind.
    pub fn definition(&self, api_version: &str, kind: &str) -> Option<&'static str> {
        self.kinds.get(&(api_version, kind)).copied()
    }

    /// All `(apiVersion, kind)` pairs, lists of objects excepted.
    pub fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.kinds.keys().filter(|(_, kind)| !kind.ends_with("List")).copied()
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
        let definitions = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": self.referred_to(schema) });
        let registry = Registry::new().add(BASE, definitions).and_then(jsonschema::RegistryBuilder::prepare).map_err(|e| e.to_string())?;
        let options = jsonschema::options().with_registry(&registry).with_pattern_options(PatternOptions::regex().size_limit(PATTERN));
        options.build(schema).map_err(|e| e.to_string())
    }

    /// The definitions that a schema refers to, and those that they refer to.
    fn referred_to(&self, schema: &Value) -> Map<String, Value> {
        let mut all = Map::new();
        let mut unread = vec![schema];
        while let Some(next) = unread.pop() {
            match next {
                Value::Object(keys) => {
                    unread.extend(keys.values());
                    let name = keys.get("$ref").and_then(Value::as_str).and_then(|to| to.rsplit('/').next());
                    if let Some((name, definition)) = name.and_then(|n| self.definitions.get_key_value(n))
                        && !all.contains_key(*name)
                    {
                        all.insert((*name).to_owned(), definition.schema().clone());
                        unread.push(definition.schema());
                    }
                }
                Value::Array(items) => unread.extend(items),
                _ => {}
            }
        }
        all
    }

    /// The schema of a definition.
    pub fn schema(&self, definition: &str) -> Option<Field<'_>> {
        let (name, found) = self.definitions.get_key_value(definition)?;
        Some(Field { catalog: self, definition: Some(name), schema: found.schema(), here: found.schema() })
    }
}

/// A place in the schemas: what a field may hold, and what it is for.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    pub(super) catalog: &'a Catalog,
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

    pub(super) fn of(catalog: &'a Catalog, here: &'a Value) -> Option<Field<'a>> {
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
